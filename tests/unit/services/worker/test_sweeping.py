from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import select

from services.kit import messages as m
from services.kit.database.database import Database
from services.kit.database.tables import (
    BlobDeletion,
    CharacterState,
    OutboxRow,
    Performance,
    PerformanceState,
    ScriptState,
)
from services.kit.telemetry import Telemetry
from services.kit.topics import CHARACTERS, PERFORMANCES, SCRIPTS, STATUSES, Topic
from services.worker.metrics import Metrics
from services.worker.settings import SweepSettings
from services.worker.sweeping import Sweep
from tests.webhooks.rows import NOW, HandClock, add, character, performance

pytestmark = pytest.mark.anyio

MessageT = TypeVar("MessageT")

MINUTE = timedelta(minutes=1)


@pytest.fixture
def sweep(database: Database, clock: HandClock, telemetry: Telemetry) -> Sweep:
    settings = SweepSettings(stall_timeout_s=60, max_attempts=3, announce_after_s=60)
    return Sweep(database, clock, Metrics(telemetry), settings)


async def said(database: Database, topic: Topic[MessageT]) -> Sequence[MessageT]:
    """The messages that wait in the outbox."""
    async with database.read() as session:
        rows = await session.scalars(
            select(OutboxRow).where(OutboxRow.topic == topic.name).order_by(OutboxRow.id)
        )
        return [topic.decode(row.value) for row in rows]


async def the_performance(database: Database) -> Performance:
    async with database.read() as session:
        return await session.get_one(Performance, "per_1")


async def test_a_stalled_performance_begins_again_in_the_next_epoch(
    database: Database, sweep: Sweep, clock: HandClock
) -> None:
    await add(database, character(), performance())
    clock.pass_time(MINUTE)
    await sweep.run()
    await sweep.run()
    [message] = await said(database, PERFORMANCES)
    row = await the_performance(database)
    assert (message.envelope.session_id, message.envelope.epoch) == ("per_1", 1)
    assert (message.max_duration_s, message.opening.seed) == (60.0, 7)
    assert (row.state, row.epoch, row.attempts) == (PerformanceState.PROCESSING, 1, 2)
    assert (row.frames_done, row.progressed_at) == (0, clock.now())


async def test_blobs_of_the_old_attempt_go_an_hour_later(
    database: Database, sweep: Sweep, clock: HandClock
) -> None:
    await add(database, character(), performance())
    clock.pass_time(MINUTE)
    await sweep.run()
    async with database.read() as session:
        [deletion] = (await session.scalars(select(BlobDeletion))).all()
    assert deletion.prefix == "ten_1/performances/per_1/0/"
    assert deletion.due_at == clock.now() + timedelta(hours=1)


async def test_a_performance_that_moves_is_left_alone(
    database: Database, sweep: Sweep, clock: HandClock
) -> None:
    await add(database, character(), performance(progressed_at=NOW + MINUTE))
    clock.pass_time(MINUTE * 1.9)
    await sweep.run()
    assert (await the_performance(database)).epoch == 0


async def test_a_performance_that_stalled_too_often_is_said_to_have_failed(
    database: Database, sweep: Sweep, clock: HandClock
) -> None:
    await add(database, character(), performance(attempts=3))
    clock.pass_time(4 * MINUTE)
    await sweep.run()
    await sweep.run()
    [status] = await said(database, STATUSES)
    assert (status.kind, status.code, status.stage) == (m.StatusKind.FAILED, "stalled", "worker")
    assert (status.envelope.session_id, status.envelope.epoch) == ("per_1", 0)
    assert (await the_performance(database)).state is PerformanceState.PROCESSING


async def test_an_undecided_script_is_announced_again_after_growing_pauses(
    database: Database, sweep: Sweep, clock: HandClock
) -> None:
    row = performance(state=PerformanceState.QUEUED, script_state=ScriptState.PENDING)
    await add(database, character(), row)
    times: list[int] = []
    for minute in range(1, 16):
        clock.pass_time(MINUTE)
        await sweep.run()
        times += [minute] * (len(await said(database, SCRIPTS)) - len(times))
    assert times == [1, 3, 7, 15]
    assert (await said(database, SCRIPTS))[0].speech_text == "Hello"


@pytest.mark.parametrize("state", [CharacterState.PENDING, CharacterState.PREPARING])
async def test_an_undecided_character_is_announced_again(
    database: Database, sweep: Sweep, clock: HandClock, state: CharacterState
) -> None:
    await add(database, character(state=state, announced_at=None, announcements=0))
    clock.pass_time(MINUTE)
    await sweep.run()
    await sweep.run()
    assert [each.character_id for each in await said(database, CHARACTERS)] == ["chr_1"]


@pytest.mark.parametrize("state", [CharacterState.READY, CharacterState.REJECTED, CharacterState.FAILED])
async def test_a_decided_character_is_not_announced(
    database: Database, sweep: Sweep, clock: HandClock, state: CharacterState
) -> None:
    await add(database, character(state=state))
    clock.pass_time(60 * MINUTE)
    await sweep.run()
    assert await said(database, CHARACTERS) == []


async def test_after_a_restart_everything_under_way_goes_out_again_at_once(
    database: Database, sweep: Sweep
) -> None:
    queued = performance("per_2", PerformanceState.QUEUED, script_state=ScriptState.PENDING)
    done = performance("per_3", PerformanceState.SUCCEEDED)
    unready = character("chr_2", CharacterState.PENDING)
    await add(database, character(), unready, performance(), queued, done)
    await sweep.recover()
    assert [each.envelope.epoch for each in await said(database, PERFORMANCES)] == [1]
    assert [each.envelope.session_id for each in await said(database, SCRIPTS)] == ["per_2"]
    assert [each.character_id for each in await said(database, CHARACTERS)] == ["chr_2"]
