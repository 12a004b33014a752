"""Messages through a bus and the consumer loop: how many a second, and how long one is on its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.kit import messages as m
from services.kit.bus import Bus
from services.kit.consumer import Route, consume, settling
from services.kit.kafka.bus import open_kafka_bus
from services.kit.logs import configure_logs
from services.kit.memory_bus import MemoryBus
from services.kit.settings import BusSettings, TelemetrySettings
from services.kit.telemetry import Telemetry
from services.kit.topics import SEGMENTS
from tests.bench.figures import report
from tests.servers.kafka import open_kafka

NUM_MESSAGES: Final = 5000
NUM_TRIPS: Final = 200
NUM_SESSIONS: Final = 16
BATCH: Final = 20


def main() -> None:
    """Print throughput and travel times of each bus."""
    configure_logs("bench", TelemetrySettings(log_level="error"))
    tell("memory", measure(lambda: nullcontext(MemoryBus(partitions=8)), Telemetry()))
    tell("memory, traced", measure(lambda: nullcontext(MemoryBus(partitions=8)), traced()))
    with TemporaryDirectory() as folder, open_kafka(Path(folder)) as address:
        settings = BusSettings(bootstrap_servers=address, session_timeout_s=4, fetch_wait_s=0.01)
        tell("kafka", measure(lambda: open_kafka_bus(settings), Telemetry()))


def tell(bus: str, figures: Figures) -> None:
    """Report the figures of one bus."""
    size_bytes = len(SEGMENTS.encode(segment(0)))
    report("bus", bus, "throughput", figures.per_second, "messages/s", message_bytes=size_bytes)
    report("bus", bus, "trip, p50", figures.trip_p50_ms, "ms")
    report("bus", bus, "trip, p95", figures.trip_p95_ms, "ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Messages a second, and how long one message is on its way when nothing else is."""

    per_second: float
    trip_p50_ms: float
    trip_p95_ms: float


def traced() -> Telemetry:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    return Telemetry(provider.get_tracer("bench"))


def segment(index: int) -> m.Segment:
    """A segment of speech, the commonest message."""
    envelope = m.Envelope(
        tenant="ten_a",
        session_id=f"per_{index % NUM_SESSIONS}",
        epoch=0,
        sequence=1 + index // NUM_SESSIONS,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return m.Segment(envelope=envelope, speech=np.zeros(3200, np.float32), is_final=False)


def measure(open_bus: Callable[[], AbstractAsyncContextManager[Bus]], telemetry: Telemetry) -> Figures:
    return asyncio.run(_measure(open_bus, telemetry))


async def _measure(open_bus: Callable[[], AbstractAsyncContextManager[Bus]], telemetry: Telemetry) -> Figures:
    num_handled = 0

    async def handle(_message: m.Segment) -> None:
        nonlocal num_handled
        num_handled += 1

    async def publish(first: int, count: int) -> None:
        await bus.publish([SEGMENTS.outgoing(segment(index)) for index in range(first, first + count)])

    async def reach(count: int, pause_s: float) -> None:
        while num_handled < count:
            await asyncio.sleep(pause_s)

    async with open_bus() as bus:
        route = Route(topic=SEGMENTS, handle=settling(handle))
        loop = asyncio.create_task(consume(bus, "bench", [route], telemetry=telemetry))
        await asyncio.sleep(0)
        await publish(0, 1)
        await reach(1, 0.01)
        per_second = await _throughput(publish, reach)
        trips_ms = await _trips(publish, reach)
        loop.cancel()
        await asyncio.wait([loop])
    percentiles = quantiles(trips_ms, n=100)
    return Figures(per_second=per_second, trip_p50_ms=percentiles[49], trip_p95_ms=percentiles[94])


async def _throughput(
    publish: Callable[[int, int], Awaitable[None]], reach: Callable[[int, float], Awaitable[None]]
) -> float:
    began_s = time.perf_counter()
    for first in range(0, NUM_MESSAGES, BATCH):
        await publish(first, BATCH)
    await reach(1 + NUM_MESSAGES, 0.005)
    return NUM_MESSAGES / (time.perf_counter() - began_s)


async def _trips(
    publish: Callable[[int, int], Awaitable[None]], reach: Callable[[int, float], Awaitable[None]]
) -> list[float]:
    trips_ms = []
    for index in range(NUM_TRIPS):
        began_s = time.perf_counter()
        await publish(index, 1)
        await reach(2 + NUM_MESSAGES + index, 0.0)
        trips_ms.append((time.perf_counter() - began_s) * 1000)
    return trips_ms


if __name__ == "__main__":
    main()
