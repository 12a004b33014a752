"""What was committed is published: in order, not lost, and not before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import groupby
from typing import Final, NoReturn

import pytest
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import func, select

from services.kit import messages as m
from services.kit.bus import Bus, OnRevoked, Outgoing, Source
from services.kit.database.database import Database, open_database
from services.kit.database.outbox import enqueue, relay
from services.kit.database.tables import OutboxRow, Tenant
from services.kit.errors import Unavailable
from services.kit.memory_bus import MemoryBus
from services.kit.topics import CONTROLS
from tests.contract.services.kit.database.conftest import NOW, TENANT

pytestmark = pytest.mark.anyio

_PATIENCE_S: Final = 60.0


def control(session_id: str, sequence: int) -> m.Control:
    envelope = m.Envelope(tenant=TENANT, session_id=session_id, epoch=0, sequence=sequence, created_at=NOW)
    return m.Control(envelope=envelope, kind=m.ControlKind.CANCEL)


async def nothing_to_revoke(_sources: Sequence[Source]) -> Mapping[Source, int]:
    return {}


class Ledger:
    """A bus that remembers what it took."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.taken += records

    def subscribe(self, topics: Iterable[str], group: str, on_revoked: OnRevoked) -> NoReturn:
        raise NotImplementedError

    def sequences(self, session_id: str) -> list[int]:
        """The sequences of a session, as they came; repeated ones once, where they came first."""
        mine = [CONTROLS.decode(each.value).envelope for each in self.taken if each.key.endswith(session_id)]
        return list(dict.fromkeys(each.sequence for each in mine))


class Unreliable(Ledger):
    """A bus that fails before, amid or after taking records."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self.num_failures = 0

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await asyncio.sleep(self._chance.random() * 0.004)
        if self.num_failures == 0 or self._chance.random() < 0.4:
            self.num_failures += 1
            await super().publish(records[: self._chance.randint(0, len(records))])
            raise Unavailable("the broker does not answer")
        await super().publish(records)


@asynccontextmanager
async def relaying(database: Database, bus: Bus, poll_s: float = 0.2) -> AsyncIterator[None]:
    task = asyncio.create_task(relay(database, bus, poll_s=poll_s))
    try:
        yield
    finally:
        task.cancel()
        # To await the task itself, and suppress its cancellation, could suppress one that is meant for us.
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def send(database: Database, session_id: str, sequences: Sequence[int]) -> None:
    async with database.begin() as session:
        for sequence in sequences:
            enqueue(session, CONTROLS, control(session_id, sequence), NOW)


async def num_waiting(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(OutboxRow)) or 0


async def until_empty(database: Database) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while await num_waiting(database):
            await asyncio.sleep(0.02)


async def test_nothing_of_an_undone_transaction_is_published(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as session:
            enqueue(session, CONTROLS, control("per_a", 0), NOW)
            await session.flush()
            raise KeyError("a bug")

    bus = Ledger()
    async with relaying(database, bus):
        with pytest.raises(KeyError):
            await fail()
        await send(database, "per_b", [0])
        await until_empty(database)

    assert [record.key for record in bus.taken] == [f"{TENANT}/per_b"]


async def test_a_record_is_what_the_topic_makes_of_the_message(database: Database) -> None:
    bus = Ledger()
    async with relaying(database, bus):
        await send(database, "per_a", [7])
        await until_empty(database)

    assert bus.taken == [CONTROLS.outgoing(control("per_a", 7))]


async def test_a_record_carries_the_trace_it_was_written_in(database: Database) -> None:
    bus = Ledger()
    with TracerProvider().get_tracer("test").start_as_current_span("request") as span:
        await send(database, "per_a", [0])
    async with relaying(database, bus):
        await until_empty(database)

    trace = f"{span.get_span_context().trace_id:032x}"
    assert trace in bus.taken[0].headers["traceparent"].decode()


async def test_many_messages_of_one_transaction_keep_their_order(database: Database) -> None:
    bus = Ledger()
    await send(database, "per_a", range(250))
    async with relaying(database, bus):
        await until_empty(database)

    assert [CONTROLS.decode(each.value).envelope.sequence for each in bus.taken] == list(range(250))


async def test_a_commit_wakes_the_relay_without_polling(database: Database) -> None:
    bus = Ledger()
    async with relaying(database, bus, poll_s=1000.0):
        for sequence in range(10):
            await send(database, "per_a", [sequence])
            await until_empty(database)

    assert bus.sequences("per_a") == list(range(10))


async def test_what_another_process_commits_is_found_by_polling(
    database: Database, database_url: str
) -> None:
    bus = Ledger()
    async with relaying(database, bus), open_database(database_url) as other:
        for sequence in range(3):
            await send(other, "per_a", [sequence])
            await until_empty(database)

    assert bus.sequences("per_a") == [0, 1, 2]


async def test_dying_between_publishing_and_removing_gives_duplicates_and_no_loss(database: Database) -> None:
    class Dying(Ledger):
        async def publish(self, records: Sequence[Outgoing]) -> None:
            await super().publish(records)
            raise KeyboardInterrupt

    await send(database, "per_a", range(5))
    dying, bus = Dying(), Ledger()
    with suppress(KeyboardInterrupt):
        await relay(database, dying)
    async with relaying(database, bus):
        await until_empty(database)

    assert dying.sequences("per_a") == list(range(5))
    assert bus.sequences("per_a") == list(range(5))


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_breaks_every_key_arrives_whole_and_in_order(database: Database, seed: int) -> None:
    """The broker fails, relays are killed and begun again, writers write: every key arrives in order."""
    chance = random.Random(seed)
    bus = Unreliable(chance)
    keys = [f"per_{name}" for name in "abcde"]

    async def write(key: str) -> None:
        sequence = 0
        while sequence < 20:
            count = chance.randint(1, 4)
            await send(database, key, range(sequence, sequence + count))
            sequence += count
            await asyncio.sleep(chance.random() * 0.01)

    async def relay_in_lives() -> None:
        while True:
            async with relaying(database, bus):
                await asyncio.sleep(chance.random() * 0.3)

    lives = asyncio.create_task(relay_in_lives())
    await asyncio.gather(*[write(key) for key in keys])
    lives.cancel()
    await asyncio.gather(lives, return_exceptions=True)
    # On a busy machine a short life may end before it has done anything; the last one is long.
    async with relaying(database, bus):
        await until_empty(database)

    assert bus.num_failures > 0
    for key in keys:
        arrived = bus.sequences(key)
        assert arrived == list(range(len(arrived)))
        assert len(arrived) >= 20


async def test_two_relays_do_not_publish_the_same(database: Database, database_url: str) -> None:
    bus = Ledger()
    async with open_database(database_url) as other:
        # Two replicas share a server; two tasks of one process share SQLite.
        second = other if database.engine.dialect.name == "postgresql" else database
        async with relaying(database, bus), relaying(second, bus):
            for sequence in range(0, 60, 3):
                await send(database, "per_a", [sequence, sequence + 1])
                await send(second, "per_a", [sequence + 2])
            await until_empty(database)

    assert [CONTROLS.decode(each.value).envelope.sequence for each in bus.taken] == list(range(60))


async def test_the_second_relay_takes_over_when_the_first_dies(database: Database) -> None:
    first, second = Ledger(), Ledger()
    async with relaying(database, first):
        await send(database, "per_a", [0])
        await until_empty(database)
    async with relaying(database, second):
        await send(database, "per_a", [1])
        await until_empty(database)

    assert (first.sequences("per_a"), second.sequences("per_a")) == ([0], [1])


async def test_a_consumer_that_writes_to_the_database_does_not_block_the_relay(database: Database) -> None:
    bus = MemoryBus(partitions=1, depth=1)
    seen: list[int] = []
    async with (
        bus.subscribe([CONTROLS.name], "gateway", nothing_to_revoke) as subscription,
        relaying(database, bus),
    ):
        await send(database, "per_a", range(20))
        async with asyncio.timeout(_PATIENCE_S):
            for _ in range(20):
                record = await subscription.receive()
                async with database.begin() as session:
                    (await session.get_one(Tenant, TENANT)).max_concurrency = len(seen)
                seen.append(CONTROLS.read(record).envelope.sequence)

    assert [key for key, _ in groupby(seen)] == list(range(20))
