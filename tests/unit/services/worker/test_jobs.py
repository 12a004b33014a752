from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from services.kit.errors import Unavailable
from services.worker.jobs import EmbeddedJobs, Job, perform, repeat


def job(run: Callable[[], Awaitable[None]], interval_s: float = 1.0, timeout_s: float = 60.0) -> Job:
    return Job(
        name="job", interval=timedelta(seconds=interval_s), timeout=timedelta(seconds=timeout_s), run=run
    )


class Sleeper:
    """Sleeps in no time, a number of times; then for ever."""

    def __init__(self, naps: int) -> None:
        self.naps = naps
        self.slept: list[float] = []
        self.done = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > self.naps:
            self.done.set()
            await asyncio.Event().wait()


async def repeat_until(schedule: list[Job], naps: int) -> Sleeper:
    sleeper = Sleeper(naps)
    task = asyncio.create_task(repeat(EmbeddedJobs(), schedule, sleeper))
    await sleeper.done.wait()
    task.cancel()
    await asyncio.wait({task})
    return sleeper


def test_a_job_is_done_at_once_and_then_at_its_interval() -> None:
    done: list[int] = []

    async def run() -> None:
        done.append(1)

    sleeper = asyncio.run(repeat_until([job(run, interval_s=7.0)], naps=2))
    assert (len(done), sleeper.slept) == (3, [7.0, 7.0, 7.0])


def test_a_job_that_finds_the_database_gone_is_done_again_next_time() -> None:
    done: list[int] = []

    async def run() -> None:
        done.append(1)
        if len(done) == 1:
            raise Unavailable("the database does not answer")

    asyncio.run(repeat_until([job(run)], naps=1))
    assert len(done) == 2


def test_a_job_that_takes_too_long_is_ended() -> None:
    async def run() -> None:
        await asyncio.Event().wait()

    asyncio.run(asyncio.wait_for(perform(job(run, timeout_s=0.01)), 60.0))


def test_a_bug_in_a_job_ends_the_clockwork() -> None:
    async def run() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(repeat(EmbeddedJobs(), [job(run)]))
    assert caught.group_contains(ZeroDivisionError)
