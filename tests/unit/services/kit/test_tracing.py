from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, TraceFlags, get_current_span

from services.kit import messages as m
from services.kit.bus import Record, Source
from services.kit.consumer import Route, consume, settling
from services.kit.memory_bus import MemoryBus
from services.kit.telemetry import Telemetry
from services.kit.topics import CONTROLS, SCRIPTS
from services.kit.tracing import extract


def envelope() -> m.Envelope:
    return m.Envelope(
        tenant="ten_a", session_id="per_a", epoch=0, sequence=0, created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )


def control() -> m.Control:
    return m.Control(envelope=envelope(), kind=m.ControlKind.CANCEL)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def telemetry(exporter: InMemorySpanExporter) -> Telemetry:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Telemetry(provider.get_tracer("test"))


def test_a_record_names_the_trace_that_is_current(telemetry: Telemetry) -> None:
    with telemetry.tracer.start_as_current_span("request") as span:
        header = CONTROLS.outgoing(control()).headers["traceparent"].decode()
    context = span.get_span_context()
    assert header.startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")


def test_a_record_outside_of_a_trace_names_none() -> None:
    assert "traceparent" not in CONTROLS.outgoing(control()).headers


def test_a_trace_goes_on_through_two_services(telemetry: Telemetry, exporter: InMemorySpanExporter) -> None:
    async def scenario() -> None:
        bus = MemoryBus()
        done = asyncio.Event()

        async def pass_on(message: m.Control) -> None:
            script = m.Script(envelope=message.envelope, speech_text="", direction_texts=())
            await bus.publish([SCRIPTS.outgoing(script)])

        async def end(message: m.Script) -> None:
            done.set()

        first = Route(topic=CONTROLS, handle=settling(pass_on))
        second = Route(topic=SCRIPTS, handle=settling(end))
        loops = [
            asyncio.create_task(consume(bus, "first", [first], telemetry=telemetry)),
            asyncio.create_task(consume(bus, "second", [second], telemetry=telemetry)),
        ]
        await asyncio.sleep(0)
        with telemetry.tracer.start_as_current_span("request"):
            await bus.publish([CONTROLS.outgoing(control())])
        await asyncio.wait_for(done.wait(), 60)
        await asyncio.sleep(0.01)
        for loop in loops:
            loop.cancel()
        await asyncio.wait(loops)

    asyncio.run(scenario())
    spans = {span.name: span for span in exporter.get_finished_spans()}
    request = spans["request"]
    processed = spans[f"{CONTROLS.name} process"]
    ended = spans[f"{SCRIPTS.name} process"]
    assert processed.parent is not None
    assert ended.parent is not None
    assert request.context is not None
    assert processed.context is not None
    assert processed.parent.span_id == request.context.span_id
    assert ended.parent.span_id == processed.context.span_id
    assert ended.parent.trace_id == request.context.trace_id
    assert processed.attributes is not None
    assert processed.attributes["messaging.destination.name"] == CONTROLS.name
    assert processed.attributes["messaging.kafka.message.key"] == "ten_a/per_a"


@pytest.mark.parametrize("header", [b"", b"\xff\xfe", b"00-zz-1-01", b"x" * 10_000])
def test_a_hostile_trace_header_begins_no_trace(header: bytes) -> None:
    assert (
        not get_current_span(extract({"traceparent": header, "tracestate": b"\xff=="}))
        .get_span_context()
        .is_valid
    )


def test_a_trace_header_of_any_client_is_understood() -> None:
    header = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    context = get_current_span(extract({"traceparent": header})).get_span_context()
    assert context == SpanContext(
        trace_id=0x0AF7651916CD43DD8448EB211C80319C,
        span_id=0xB7AD6B7169203331,
        is_remote=True,
        trace_flags=TraceFlags(1),
    )


def test_without_a_tracer_no_span_is_made() -> None:
    record = Record(source=Source("t", 0), offset=0, key="k", value=b"", headers={})
    with Telemetry().span("group", record):
        assert not get_current_span().get_span_context().is_valid


def test_the_labels_of_tenants_stay_few() -> None:
    telemetry = Telemetry()
    labels = {telemetry.tenant_label(f"ten_{index}/per_a") for index in range(1000)}
    assert len(labels) == 201
    assert "other" in labels
    assert telemetry.tenant_label("ten_0/per_b") == "ten_0"
