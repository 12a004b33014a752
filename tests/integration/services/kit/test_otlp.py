"""Spans reach a real OTLP receiver over gRPC, and an absent one holds nothing up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc  # type: ignore[import-untyped]  # it has no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from services.kit.bus import Record, Source
from services.kit.settings import TelemetrySettings
from services.kit.telemetry import open_telemetry

RECORD = Record(
    source=Source("dramatis.encoding.cue.v1", 3),
    offset=7,
    key="ten_a/per_a",
    value=b"",
    headers={"traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
)


class Receiver(TraceServiceServicer):
    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []

    def Export(  # noqa: N802  the protocol's name
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        self.requests.append(request)
        return ExportTraceServiceResponse()


@contextmanager
def receiver() -> Iterator[tuple[Receiver, str]]:
    servicer = Receiver()
    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]  # generated
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield servicer, f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def handle_one(address: str, record: Record) -> None:
    settings = TelemetrySettings(otlp_endpoint=address)
    with open_telemetry("encoding", settings) as telemetry, telemetry.span("encoding", record):
        pass


def test_spans_arrive_with_service_parent_and_attributes() -> None:
    with receiver() as (servicer, address):
        handle_one(address, RECORD)
        (resource,) = servicer.requests[0].resource_spans
        (span,) = resource.scope_spans[0].spans
    names = {item.key: item.value.string_value for item in resource.resource.attributes}
    attributes = {item.key: item.value.string_value for item in span.attributes}
    assert names["service.name"] == "encoding"
    assert span.name == "dramatis.encoding.cue.v1 process"
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    assert attributes["messaging.consumer.group.name"] == "encoding"


def test_what_the_sender_did_not_sample_is_not_sent() -> None:
    unsampled = {"traceparent": RECORD.headers["traceparent"][:-1] + b"0"}
    record = Record(source=RECORD.source, offset=8, key=RECORD.key, value=b"", headers=unsampled)
    with receiver() as (servicer, address):
        handle_one(address, record)
        assert servicer.requests == []


def test_a_receiver_that_is_not_there_neither_delays_nor_breaks_work() -> None:
    began_s = time.monotonic()
    with open_telemetry("encoding", TelemetrySettings(otlp_endpoint="http://127.0.0.1:1")) as telemetry:
        for _ in range(1000):
            with telemetry.span("encoding", RECORD):
                pass
        worked_s = time.monotonic() - began_s
    # It would wait for seconds at every span, if it waited.
    assert worked_s < 60
    assert time.monotonic() - began_s < 120
