"""The worker as a process, on real PostgreSQL and Redis, killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.request import urlopen

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from services.kit.database.database import Database
from services.kit.database.tables import BlobDeletion, OutboxRow, Row, UsageDay, UsageRecord, WebhookDelivery
from services.kit.topics import PERFORMANCES
from tests.servers.processes import LOOPBACK, accepts, end, free_port, running, spawn, wait_until
from tests.servers.proxy import open_proxy
from tests.webhooks.receiver import Receiver
from tests.webhooks.rows import add, add_endpoint, character, performance, tell

pytestmark = pytest.mark.anyio

RowT = TypeVar("RowT", bound=Row)

ROOT = Path(__file__).parents[4]


@contextmanager
def worker(folder: Path, postgres_url: str, broker_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that is ready; ended in the end unless it was killed."""
    port = free_port()
    environment = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'proto' / 'gen'}",
        "WORKER_DATABASE__URL": postgres_url,
        "WORKER_BLOBS__FOLDER": str(folder / "blobs"),
        "WORKER_JOBS__BROKER_URL": broker_url,
        "WORKER_EGRESS__ALLOWED_NETWORKS": json.dumps(["127.0.0.0/8"]),
        "WORKER_HEALTH__PORT": str(port),
        "WORKER_WEBHOOKS__INTERVAL_S": "0.2",
        "WORKER_SHUTDOWN_TIMEOUT_S": "55",
    }
    log = folder / f"worker-{port}.log"
    process = spawn([sys.executable, "-m", "services.worker.main"], log, environment=environment)
    try:
        wait_until(lambda: process.poll() is not None or is_ready(port), 180, "the worker to be ready", log)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        if process.poll() is None:
            end(process)
            assert process.returncode == 0, log.read_text()


def is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://{LOOPBACK}:{port}/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def redis_at(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = ["redis-server", "--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no"]
    with running(command, folder / "redis.log", lambda: accepts(port)) as process:
        yield process


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_worker_killed_in_mid_delivery_is_followed_by_one_that_delivers_it_with_the_same_id(
    database: Database, postgres_url: str, redis_url: str, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.may_answer.clear()
    await add_endpoint(database, receiver.url)
    await tell(database, now())
    with worker(tmp_path, postgres_url, redis_url) as process:
        receiver.wait_for(1)
        process.kill()
        process.wait()
    receiver.may_answer.set()
    await end_lease(database)
    with worker(tmp_path, postgres_url, redis_url):
        first, second = receiver.wait_for(2)
    async with database.read() as session:
        [row] = (await session.scalars(select(WebhookDelivery))).all()
    assert (first.message_id, first.body) == (second.message_id, second.body)
    assert (row.state, row.attempts) == ("delivered", 2)


async def test_after_redis_was_killed_the_worker_goes_on_by_itself(
    database: Database, postgres_url: str, receiver: Receiver, tmp_path: Path
) -> None:
    await add_endpoint(database, receiver.url)
    port = free_port()
    with (
        redis_at(port, tmp_path) as server,
        worker(tmp_path, postgres_url, f"redis://{LOOPBACK}:{port}/0") as process,
    ):
        await tell(database, now())
        receiver.wait_for(1)
        server.kill()
        server.wait()
        await tell(database, now())
        with redis_at(port, tmp_path):
            receiver.wait_for(2)
            assert process.poll() is None
    assert len({request.message_id for request in receiver.requests}) == 2


async def test_after_the_database_was_away_the_worker_goes_on_by_itself(
    database: Database, postgres_url: str, redis_url: str, receiver: Receiver, tmp_path: Path
) -> None:
    await add_endpoint(database, receiver.url)
    url = make_url(postgres_url)
    with open_proxy() as wire:
        wire.forward(str(url.host), int(url.port or 0))
        through = url.set(host=wire.host, port=wire.port).render_as_string(hide_password=False)
        with worker(tmp_path, through, redis_url) as process:
            await tell(database, now())
            receiver.wait_for(1)
            wire.cut()
            await tell(database, now())
            await asyncio.sleep(3)
            assert process.poll() is None
            wire.restore()
            receiver.wait_for(2)


async def test_without_a_broker_the_jobs_are_done_in_the_process(
    database: Database, postgres_url: str, receiver: Receiver, tmp_path: Path
) -> None:
    await add_endpoint(database, receiver.url)
    await tell(database, now(), number=3)
    with worker(tmp_path, postgres_url, ""):
        assert len({request.message_id for request in receiver.wait_for(3)}) == 3


async def test_the_other_jobs_are_done_on_postgresql_as_well(
    database: Database, postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    blob = tmp_path / "blobs" / "ten_1" / "performances" / "per_0" / "video.mp4"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"x")
    await add(
        database,
        character(),
        performance(progressed_at=now() - timedelta(hours=1)),
        UsageRecord(performance_id="per_0", tenant_id="ten_1", video_s=2.5, created_at=now()),
        BlobDeletion(tenant_id="ten_1", prefix="ten_1/performances/per_0/", due_at=now(), created_at=now()),
    )
    with worker(tmp_path, postgres_url, redis_url):
        released = await first_of(database, OutboxRow)
        day = await first_of(database, UsageDay)
        wait_until(lambda: not blob.exists(), 120, "the blob to go")
    assert PERFORMANCES.decode(released.value).envelope.epoch == 1
    assert (day.video_s, day.performances) == (2.5, 1)


async def end_lease(database: Database) -> None:
    """Let the minute pass in which the delivery is the lost worker's."""
    async with database.begin() as session:
        [row] = (await session.scalars(select(WebhookDelivery))).all()
        assert row.leased_until is not None
        assert row.leased_until > now()
        row.leased_until = now()


async def first_of(database: Database, table: type[RowT]) -> RowT:
    """The first row of a table, as soon as there is one."""
    async with asyncio.timeout(120):
        while True:
            async with database.read() as session:
                row = await session.scalar(select(table).limit(1))
            if row is not None:
                return row
            await asyncio.sleep(0.1)
