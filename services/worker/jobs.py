"""Jobs that are done again and again, and the clockwork that asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from services.kit.errors import Retryable

__all__ = ["EmbeddedJobs", "Job", "Jobs", "perform", "repeat"]

_log: FilteringBoundLogger = structlog.get_logger()

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to be done every `interval`, within `timeout`.

    It finds in the database what is to be done, so doing it twice, or late, or in two places at once does
    no harm, and an order to do it may be lost.
    """

    name: str
    interval: timedelta
    timeout: timedelta
    run: Callable[[], Awaitable[None]]


class Jobs(Protocol):
    """Where jobs are done."""

    async def submit(self, job: Job) -> None:
        """Ask for a job. Raises Unavailable when nobody can be asked."""
        ...


class EmbeddedJobs:
    """Jobs done on the spot."""

    async def submit(self, job: Job) -> None:
        await perform(job)


async def perform(job: Job) -> None:
    """Do a job once. What may succeed later is left to the next time; any other error is raised."""
    try:
        async with asyncio.timeout(job.timeout.total_seconds()):
            await job.run()
    except (Retryable, TimeoutError) as error:
        _log.warning("job.postponed", job=job.name, error=str(error), kind=type(error).__name__)


async def repeat(jobs: Jobs, schedule: Sequence[Job], sleep: Sleep = asyncio.sleep) -> None:
    """Ask for every job at once and then at its intervals, until cancelled; a request that fails is lost."""
    async with asyncio.TaskGroup() as tasks:
        for job in schedule:
            tasks.create_task(_repeat_one(jobs, job, sleep))


async def _repeat_one(jobs: Jobs, job: Job, sleep: Sleep) -> None:
    while True:
        try:
            await jobs.submit(job)
        except Retryable as error:
            _log.warning("job.not_submitted", job=job.name, error=str(error))
        await sleep(job.interval.total_seconds())
