from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_trace_id
from sqlalchemy import select

from services.gateway.api.traces import Traces
from services.kit.database.tables import OutboxRow
from services.kit.telemetry import Telemetry
from tests.api.media import JPEG
from tests.api.platform import Platform

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
CONSENT = '{"kind": "self", "granted_by": "Ada", "granted_at": "2026-01-31T12:00:00Z"}'


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def traced(platform: Platform, exporter: InMemorySpanExporter) -> AsyncIterator[httpx.AsyncClient]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    transport = httpx.ASGITransport(Traces(platform.app, Telemetry(provider.get_tracer("test"))))
    headers = {
        "Authorization": f"Bearer {platform.ours}",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    }
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
        yield client


async def test_a_request_is_a_span_of_the_clients_trace_named_by_its_route(
    traced: httpx.AsyncClient, exporter: InMemorySpanExporter
) -> None:
    await traced.get("/v1/characters/chr_00000000000000000000000000")

    (span,) = exporter.get_finished_spans()
    assert span.name == "GET /v1/characters/{character_id}"
    context = span.get_span_context()
    assert context is not None
    assert format_trace_id(context.trace_id) == TRACE
    assert (span.attributes or {})["http.response.status_code"] == 404


async def test_what_a_request_sets_to_work_belongs_to_its_trace(
    traced: httpx.AsyncClient, platform: Platform
) -> None:
    answer = await traced.post(
        "/v1/characters",
        data={"name": "Ada", "consent": CONSENT},
        files={"portrait": ("ada.jpg", JPEG, "image/jpeg")},
    )

    assert answer.status_code == 202
    async with platform.database.read() as session:
        (record,) = await session.scalars(select(OutboxRow))
    assert TRACE in str(record.headers)
