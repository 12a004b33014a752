"""Transactions, and what the tables refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from services.kit.database.database import Database, open_database, serialise
from services.kit.database.tables import (
    Character,
    CharacterState,
    Clip,
    Performance,
    PerformanceState,
    Reference,
    Tenant,
    UsageRecord,
)
from tests.contract.services.kit.database.conftest import NOW, TENANT

pytestmark = pytest.mark.anyio

MakeCharacter = Callable[[str], Character]


def performance(performance_id: str, character_id: str, tenant_id: str = TENANT) -> Performance:
    return Performance(
        id=performance_id,
        tenant_id=tenant_id,
        character_id=character_id,
        state=PerformanceState.QUEUED,
        engine="lpm",
        size=512,
        seed=2**63 - 1,
        source={"kind": "text", "text": "Good evening, ☕"},
        created_at=NOW,
        updated_at=NOW,
    )


def clip(performance_id: str, sequence: int) -> Clip:
    return Clip(
        tenant_id=TENANT,
        performance_id=performance_id,
        epoch=0,
        sequence=sequence,
        uri="x",
        first_frame=0,
        num_frames=50,
        created_at=NOW,
    )


async def test_what_a_block_added_is_there_afterwards(database: Database, character: MakeCharacter) -> None:
    async with database.begin() as session:
        session.add(character("chr_a"))

    async with database.read() as session:
        found = await session.get_one(Character, "chr_a")
    assert (found.state, found.version, found.reasons) == (CharacterState.PENDING, 1, [])


async def test_an_exception_undoes_the_block(database: Database, character: MakeCharacter) -> None:
    async def add() -> None:
        async with database.begin() as session:
            session.add(character("chr_a"))
            await session.flush()
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        await add()

    async with database.read() as session:
        assert await session.get(Character, "chr_a") is None


async def test_cancelling_undoes_the_block(database: Database, character: MakeCharacter) -> None:
    entered = asyncio.Event()

    async def add() -> None:
        async with database.begin() as session:
            session.add(character("chr_a"))
            await session.flush()
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(add())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with database.begin() as session:
        assert await session.get(Character, "chr_a") is None


async def test_a_reader_does_not_wait_for_a_writer(database: Database, character: MakeCharacter) -> None:
    async with database.begin() as writing:
        writing.add(character("chr_a"))
        await writing.flush()

        async with database.read() as reading:
            assert await reading.get(Character, "chr_a") is None


async def test_an_update_raises_the_version_and_reading_does_not(
    database: Database, character: MakeCharacter
) -> None:
    async with database.begin() as session:
        session.add(character("chr_a"))
    async with database.begin() as session:
        (await session.get_one(Character, "chr_a")).state = CharacterState.READY
    async with database.begin() as session:
        assert (await session.get_one(Character, "chr_a")).version == 2


async def test_transactions_of_one_name_do_not_lose_each_others_updates(database: Database) -> None:
    async def count_up() -> None:
        async with database.begin() as session:
            await serialise(session, "counting")
            # Read by a query of its own and written back: only order keeps the sum right.
            limit = await session.scalar(select(Tenant.storage_bytes).where(Tenant.id == TENANT))
            await asyncio.sleep(0.002)
            await session.execute(update(Tenant).values(storage_bytes=(limit or 0) + 1))

    await asyncio.gather(*[count_up() for _ in range(20)])

    async with database.read() as session:
        assert await session.scalar(select(Tenant.storage_bytes)) == 20


async def test_only_one_is_inside_a_block_of_one_name(database: Database) -> None:
    async with (
        database.exclusively("sweep") as first,
        database.exclusively("sweep") as second,
        database.exclusively("roll-up") as other,
    ):
        assert (first, second, other) == (True, False, True)

    async with database.exclusively("sweep") as later:
        assert later


async def test_an_exception_leaves_the_block_open_to_the_next(database: Database) -> None:
    with pytest.raises(KeyError):
        async with database.exclusively("sweep"):
            raise KeyError("a bug")

    async with database.exclusively("sweep") as later:
        assert later


async def test_an_instant_comes_back_as_the_same_moment_in_utc(database: Database) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    async with database.begin() as session:
        session.add(Tenant(id="ten_b", name="other", created_at=elsewhere))

    async with database.read() as session:
        found = await session.get_one(Tenant, "ten_b")
        later = await session.scalar(select(func.count()).where(Tenant.created_at > NOW))
    assert found.created_at == NOW
    assert found.created_at.utcoffset() == timedelta(0)
    assert later == 0


async def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        async with database.begin() as session:
            session.add(Tenant(id="ten_b", name="other", created_at=datetime(2026, 11, 21)))  # noqa: DTZ001


async def test_texts_numbers_and_values_come_back_as_they_were(
    database: Database, character: MakeCharacter
) -> None:
    async with database.begin() as session:
        session.add(performance("per_a", "chr_a"))
        session.add(character("chr_a"))

    async with database.read() as session:
        found = await session.get_one(Performance, "per_a")
    assert found.seed == 2**63 - 1
    assert found.source == {"kind": "text", "text": "Good evening, ☕"}
    assert found.directions == []
    assert found.created_at == NOW


async def test_a_performance_cannot_have_another_tenants_character(
    database: Database, character: MakeCharacter
) -> None:
    async with database.begin() as session:
        session.add(Tenant(id="ten_b", name="other", created_at=NOW))
        session.add(character("chr_a"))

    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            session.add(performance("per_b", "chr_a", tenant_id="ten_b"))


async def test_a_reference_cannot_belong_to_another_tenants_character(
    database: Database, character: MakeCharacter
) -> None:
    async with database.begin() as session:
        session.add(Tenant(id="ten_b", name="other", created_at=NOW))
        session.add(character("chr_a"))

    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            session.add(
                Reference(
                    id="ref_b",
                    tenant_id="ten_b",
                    character_id="chr_a",
                    role="body",
                    uri="x",
                    media_type="image/png",
                    size_bytes=1,
                    created_at=NOW,
                )
            )


async def test_a_clip_cannot_be_noted_twice(database: Database, character: MakeCharacter) -> None:
    async with database.begin() as session:
        session.add_all(
            [clip("per_a", 0), clip("per_a", 1), performance("per_a", "chr_a"), character("chr_a")]
        )

    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            session.add(clip("per_a", 1))


async def test_a_performance_is_counted_once(database: Database) -> None:
    async def count() -> None:
        async with database.begin() as session:
            session.add(UsageRecord(performance_id="per_a", tenant_id=TENANT, video_s=2.0, created_at=NOW))

    await count()
    with pytest.raises(IntegrityError):
        await count()


async def test_a_state_that_is_none_is_refused(database: Database, character: MakeCharacter) -> None:
    async with database.begin() as session:
        session.add(character("chr_a"))

    with pytest.raises(IntegrityError):
        async with database.begin() as session:
            await session.execute(text("UPDATE characters SET state = 'sleeping'"))


async def test_a_wrong_statement_is_a_bug_and_no_outage(database: Database) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught:
        async with database.read() as session:
            await session.execute(text("SELECT * FROM no_such_table"))

    assert type(caught.value).__module__.startswith("sqlalchemy")


async def test_errors_do_not_show_what_was_written(database: Database, database_url: str) -> None:
    async with open_database(database_url) as other:
        with pytest.raises(IntegrityError) as caught:
            async with other.begin() as session:
                session.add(Tenant(id=TENANT, name="a private name", created_at=NOW))
    assert "a private name" not in str(caught.value.args) + str(caught.value.statement)
