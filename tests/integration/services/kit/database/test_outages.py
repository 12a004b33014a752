"""A database that goes away and comes back."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import func, select, text

from services.kit.database.database import Database, open_database, serialise
from services.kit.database.outbox import enqueue, relay
from services.kit.database.tables import OutboxRow, Tenant, WebhookEndpoint
from services.kit.errors import Overloaded, Retryable, Unavailable
from services.kit.retry import retrying
from services.kit.topics import CONTROLS
from tests.contract.services.kit.database.conftest import NOW, TENANT
from tests.contract.services.kit.database.test_outbox import Ledger, control
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.anyio


async def name_of_tenant(database: Database) -> str:
    async with database.read() as session:
        return (await session.get_one(Tenant, TENANT)).name


async def rename(database: Database, name: str) -> None:
    async with database.begin() as session:
        (await session.get_one(Tenant, TENANT)).name = name


async def test_a_database_that_is_away_is_unavailable_and_works_when_it_is_back(
    database: Database, wire: Proxy
) -> None:
    wire.cut()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await name_of_tenant(database)
        with pytest.raises(Unavailable):
            await rename(database, "lost")
        with pytest.raises(Unavailable):
            async with database.exclusively("sweep"):
                pass

    wire.restore()

    assert await name_of_tenant(database) == "acme"


async def test_a_connection_that_breaks_amid_a_transaction_undoes_it(database: Database, wire: Proxy) -> None:
    async def rename_over_a_broken_wire() -> None:
        async with database.begin() as session:
            (await session.get_one(Tenant, TENANT)).name = "half"
            await session.flush()
            wire.cut()

    with pytest.raises(Unavailable):
        await rename_over_a_broken_wire()
    wire.restore()

    assert await name_of_tenant(database) == "acme"


async def test_a_server_that_never_answers_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/test"
        async with open_database(url, timeout_s=0.3) as database, asyncio.timeout(60):
            with pytest.raises(Unavailable, match="does not answer"):
                await name_of_tenant(database)


async def test_a_statement_that_takes_too_long_is_unavailable_and_leaves_a_usable_pool(
    database: Database, wired_url: str
) -> None:
    async with open_database(wired_url, pool_size=1, timeout_s=3.0) as hasty:

        async def sleep() -> None:
            async with hasty.read() as session:
                await session.execute(text("SELECT pg_sleep(600)"))

        with pytest.raises(Unavailable):
            await sleep()

        assert await name_of_tenant(hasty) == "acme"


async def test_a_connection_that_is_ended_is_unavailable(database: Database, postgres_url: str) -> None:
    async def read_while_ended() -> None:
        async with database.read() as session:
            mine = await session.scalar(select(func.pg_backend_pid()))
            async with open_database(postgres_url) as operator, operator.begin() as ending:
                await ending.execute(select(func.pg_terminate_backend(mine)))
            await session.get_one(Tenant, TENANT)

    with pytest.raises(Unavailable):
        await read_while_ended()

    assert await name_of_tenant(database) == "acme"


async def test_a_full_pool_is_overloaded(wired_url: str) -> None:
    async with open_database(wired_url, pool_size=1, timeout_s=3.0) as database, database.read() as holding:
        await holding.execute(text("SELECT 1"))
        with pytest.raises(Overloaded, match="in use"):
            await name_of_tenant(database)


async def test_the_second_of_two_updates_from_the_same_version_is_refused(database: Database) -> None:
    async with database.begin() as session:
        session.add(
            WebhookEndpoint(
                id="whe_a", tenant_id=TENANT, url="https://a", secret="s", created_at=NOW, updated_at=NOW
            )
        )

    async def update_from(gate: asyncio.Barrier, url: str) -> None:
        async with database.begin() as session:
            endpoint = await session.get_one(WebhookEndpoint, "whe_a")
            await gate.wait()
            endpoint.url = url

    gate = asyncio.Barrier(2)
    results = await asyncio.gather(
        update_from(gate, "https://b"), update_from(gate, "https://c"), return_exceptions=True
    )

    assert [type(result) for result in results if result is not None] == [Unavailable]


async def test_two_that_wait_for_each_other_are_told_to_try_again(database: Database) -> None:
    async def take(first: str, second: str, gate: asyncio.Barrier) -> None:
        async with database.begin() as session:
            await serialise(session, first)
            with suppress(asyncio.BrokenBarrierError):
                await gate.wait()
            await serialise(session, second)

    gate = asyncio.Barrier(2)
    results = await asyncio.gather(take("a", "b", gate), take("b", "a", gate), return_exceptions=True)

    failed = [result for result in results if result is not None]
    assert len(failed) == 1
    assert isinstance(failed[0], Retryable)


async def test_the_relay_outlives_an_outage_and_publishes_everything_in_order(
    database: Database, wire: Proxy
) -> None:
    bus = Ledger()
    task = asyncio.create_task(relay(database, bus))

    async def send(sequence: int) -> None:
        async with database.begin() as session:
            enqueue(session, CONTROLS, control("per_a", sequence), NOW)

    for sequence in range(12):
        if sequence % 4 == 1:
            wire.cut()
        if sequence % 4 == 3:
            wire.restore()
            await retrying(partial(send, 1000 + sequence))
        else:
            with suppress(Unavailable):
                await send(1000 + sequence)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(120), database.read() as session:
        while await session.scalar(select(func.count()).select_from(OutboxRow)):
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    arrived = bus.sequences("per_a")
    assert arrived == sorted(arrived)
    assert {1000, 1003, 1004, 1007, 1008, 1011} <= set(arrived)
