"""The worker put together: its jobs, and the two ways to have them done."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from services.kit.blobs import Blobs
from services.kit.clock import Clock
from services.kit.database.database import Database
from services.kit.telemetry import Telemetry
from services.worker.jobs import EmbeddedJobs, Job, repeat
from services.worker.metrics import Metrics
from services.worker.retention import Retention
from services.worker.settings import Settings
from services.worker.sweeping import Sweep
from services.worker.usage import Usage
from services.worker.webhooks import Sender, Tools, Webhooks, open_webhooks

__all__ = ["Worker", "open_worker"]

_JOB_TIMEOUT: Final = timedelta(minutes=5)


@asynccontextmanager
async def open_worker(
    settings: Settings,
    *,
    database: Database,
    blobs: Blobs,
    egress: Sender,
    clock: Clock,
    telemetry: Telemetry,
    jitter: Callable[[], float] = random.random,
) -> AsyncIterator[Worker]:
    """A worker; in the end webhooks under way have the time that a receiver has."""
    metrics = Metrics(telemetry)
    tools = Tools(
        database=database,
        sender=egress,
        clock=clock,
        jitter=jitter,
        metrics=metrics,
        settings=settings.webhooks,
    )
    retention = Retention(
        database,
        blobs,
        clock,
        metrics,
        deleted_stay=timedelta(hours=settings.retention.deleted_hours),
        events_stay=timedelta(days=settings.webhooks.retention_days),
    )
    sweep = Sweep(database, clock, metrics, settings.sweep)
    async with open_webhooks(tools) as webhooks:
        yield Worker(settings, webhooks, sweep, retention, Usage(database, clock))


class Worker:
    """The jobs of a worker."""

    def __init__(
        self, settings: Settings, webhooks: Webhooks, sweep: Sweep, retention: Retention, usage: Usage
    ) -> None:
        self._sweep = sweep
        self.schedule: Sequence[Job] = (
            _job("worker.webhooks", settings.webhooks.interval_s, webhooks.send_due),
            _job("worker.sweep", settings.sweep.interval_s, sweep.run),
            _job("worker.retention", settings.retention.interval_s, retention.run),
            _job("worker.usage", settings.usage_interval_s, usage.run),
        )

    async def run_embedded(self) -> None:
        """Do the jobs in this process, until cancelled."""
        await repeat(EmbeddedJobs(), self.schedule)

    async def recover(self) -> None:
        """Begin everything again that was under way when this one process of a whole platform ended."""
        await self._sweep.recover()


def _job(name: str, interval_s: float, run: Callable[[], Awaitable[None]]) -> Job:
    return Job(name=name, interval=timedelta(seconds=interval_s), timeout=_JOB_TIMEOUT, run=run)
