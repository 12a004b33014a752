"""Jobs through a real Redis."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.worker.adapters.celery import run_celery
from services.worker.jobs import Job
from services.worker.settings import JobSettings
from tests.servers.processes import LOOPBACK, accepts, free_port, running


class Tally:
    """A job that counts, and tells when it was done a number of times."""

    def __init__(self, name: str = "tally") -> None:
        self.name = name
        self.count = 0
        self._grew = asyncio.Event()

    async def __call__(self) -> None:
        self.count += 1
        self._grew.set()

    async def reach(self, count: int) -> None:
        async with asyncio.timeout(120):
            while self.count < count:
                self._grew.clear()
                await self._grew.wait()


def job(run: Callable[[], Awaitable[None]], name: str = "tally", interval_s: float = 0.1) -> Job:
    return Job(name=name, interval=timedelta(seconds=interval_s), timeout=timedelta(seconds=30), run=run)


@contextmanager
def redis_at(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = ["redis-server", "--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no"]
    with running(command, folder / "redis.log", lambda: accepts(port)) as process:
        yield process


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def redis(port: int, tmp_path: Path) -> Iterator[str]:
    with redis_at(port, tmp_path):
        yield f"redis://{LOOPBACK}:{port}/0"


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=120)
    assert task.cancelled()


def start(url: str, *schedule: Job, grace_s: float = 60.0) -> asyncio.Task[None]:
    settings = JobSettings(broker_url=SecretStr(url), num_threads=2, grace_s=grace_s)
    return asyncio.create_task(run_celery(schedule, settings))


def test_jobs_are_done_at_their_intervals(redis: str) -> None:
    async def scenario() -> None:
        first, second = Tally(), Tally()
        worker = start(redis, job(first, "first"), job(second, "second"))
        await first.reach(5)
        await second.reach(5)
        await stop(worker)

    asyncio.run(scenario())


def test_after_redis_was_killed_and_came_back_empty_jobs_go_on_by_themselves(
    port: int, tmp_path: Path
) -> None:
    async def scenario() -> None:
        tally = Tally()
        with redis_at(port, tmp_path) as server:
            worker = start(f"redis://{LOOPBACK}:{port}/0", job(tally))
            await tally.reach(3)
            server.kill()
            server.wait()
        await asyncio.sleep(1)
        before = tally.count
        with redis_at(port, tmp_path):
            await tally.reach(before + 10)
            await stop(worker)

    asyncio.run(scenario())


def test_a_worker_that_starts_before_redis_waits_for_it(port: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        tally = Tally()
        worker = start(f"redis://{LOOPBACK}:{port}/0", job(tally))
        await asyncio.sleep(0.5)
        with redis_at(port, tmp_path):
            await tally.reach(3)
            await stop(worker)

    asyncio.run(scenario())


def test_a_job_under_way_is_finished_before_the_worker_ends(redis: str) -> None:
    async def scenario() -> bool:
        begun, is_done = asyncio.Event(), False

        async def run() -> None:
            nonlocal is_done
            begun.set()
            await asyncio.sleep(1)
            is_done = True

        worker = start(redis, job(run, interval_s=60))
        await asyncio.wait_for(begun.wait(), 120)
        await stop(worker)
        return is_done

    assert asyncio.run(scenario())


def test_a_job_that_outlasts_the_grace_is_cut_short(redis: str) -> None:
    async def scenario() -> bool:
        begun, is_cut_short = asyncio.Event(), False

        async def run() -> None:
            nonlocal is_cut_short
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                is_cut_short = True
                raise

        worker = start(redis, job(run, interval_s=60), grace_s=0.5)
        await asyncio.wait_for(begun.wait(), 120)
        await stop(worker)
        return is_cut_short

    assert asyncio.run(scenario())


def test_a_bug_in_a_job_ends_the_worker(redis: str) -> None:
    async def scenario() -> None:
        async def run() -> None:
            raise ZeroDivisionError

        await asyncio.wait_for(start(redis, job(run)), 120)

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(scenario())
    assert caught.group_contains(ZeroDivisionError)
