"""Beginning again what makes no progress, because a message or a process was lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit import messages as m
from services.kit.clock import Clock
from services.kit.database.database import Database
from services.kit.database.outbox import enqueue
from services.kit.database.releases import begin_again, character_message, script_message
from services.kit.database.tables import (
    Character,
    CharacterState,
    Performance,
    PerformanceState,
    ScriptState,
)
from services.kit.topics import CHARACTERS, SCRIPTS, STATUSES
from services.worker.domain.stall import Remedy, pauses, remedy_of
from services.worker.metrics import Metrics
from services.worker.settings import SweepSettings

__all__ = ["STALLED", "Sweep"]

STALLED: Final = "stalled"

_log = structlog.get_logger(__name__)

_BATCH: Final = 100
_UNDECIDED: Final = (CharacterState.PENDING, CharacterState.PREPARING)


class Sweep:
    """Looks after performances that are being made, and what waits for a decision."""

    def __init__(self, database: Database, clock: Clock, metrics: Metrics, settings: SweepSettings) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._stall_timeout = timedelta(seconds=settings.stall_timeout_s)
        self._first_pause = timedelta(seconds=settings.announce_after_s)
        self._max_attempts = settings.max_attempts

    async def run(self) -> None:
        """Release what stalled, and announce again what nobody has decided for long."""
        await self._sweep(self._stall_timeout, self._first_pause)

    async def recover(self) -> None:
        """The same at once for everything: no other process is at work, and the bus kept nothing."""
        await self._sweep(timedelta(0), timedelta(0))

    async def _sweep(self, stall_timeout: timedelta, first_pause: timedelta) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            for performance in await _running(session, now - stall_timeout):
                await self._see_to(session, performance, now, stall_timeout)
        async with self._database.begin() as session:
            for performance in await _unjudged(session, now, first_pause):
                self._announce(performance, now)
                enqueue(session, SCRIPTS, script_message(performance, now), now)
        async with self._database.begin() as session:
            for character in await _unready(session, now, first_pause):
                self._announce(character, now)
                # One that is being prepared is judged again as well: its verdict sets encoding to work.
                enqueue(session, CHARACTERS, character_message(character), now)

    async def _see_to(
        self, session: AsyncSession, performance: Performance, now: datetime, stall_timeout: timedelta
    ) -> None:
        progressed_at = performance.progressed_at or performance.updated_at
        remedy = remedy_of(progressed_at, performance.attempts, now, stall_timeout, self._max_attempts)
        if remedy is Remedy.WAIT:
            return
        if remedy is Remedy.FAIL:
            # The row is the gateway's to change, with all that belongs to a failure. Should it not hear
            # of it, the next sweep says so again.
            performance.progressed_at = now
            enqueue(session, STATUSES, _failure(performance, now), now)
        else:
            await begin_again(session, performance, now)
        self._tell(remedy.value, performance, performance.epoch)

    def _announce(self, row: Performance | Character, now: datetime) -> None:
        row.announced_at = now
        row.announcements += 1
        self._tell("announce", row, row.announcements)

    def _tell(self, action: str, row: Performance | Character, number: int) -> None:
        self._metrics.count_swept(action, row.tenant_id)
        _log.warning("sweep.acted", action=action, tenant=row.tenant_id, id=row.id, number=number)


async def _running(session: AsyncSession, silent_since: datetime) -> Sequence[Performance]:
    found = await session.scalars(
        select(Performance)
        .where(
            Performance.state == PerformanceState.PROCESSING,
            func.coalesce(Performance.progressed_at, Performance.updated_at) <= silent_since,
        )
        .order_by(Performance.created_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def _unjudged(session: AsyncSession, now: datetime, first_pause: timedelta) -> Sequence[Performance]:
    found = await session.scalars(
        select(Performance)
        .where(
            Performance.state == PerformanceState.QUEUED,
            Performance.script_state == ScriptState.PENDING,
            _is_silence_over(Performance, now, first_pause),
        )
        .order_by(Performance.created_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def _unready(session: AsyncSession, now: datetime, first_pause: timedelta) -> Sequence[Character]:
    found = await session.scalars(
        select(Character)
        .where(
            Character.state.in_(_UNDECIDED),
            Character.deleted_at.is_(None),
            _is_silence_over(Character, now, first_pause),
        )
        .order_by(Character.created_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    return found.all()


def _is_silence_over(
    kind: type[Performance | Character], now: datetime, first_pause: timedelta
) -> ColumnElement[bool]:
    """Whether the pause after the latest announcement, of which there may be none yet, has passed."""
    announced_at = func.coalesce(kind.announced_at, kind.created_at)
    waits = list(enumerate(pauses(first_pause), start=1))
    last_number, last_pause = waits[-1]
    return or_(
        and_(kind.announcements < 1, announced_at <= now - first_pause),
        and_(kind.announcements > last_number, announced_at <= now - last_pause),
        *(and_(kind.announcements == number, announced_at <= now - pause) for number, pause in waits),
    )


def _failure(performance: Performance, now: datetime) -> m.Status:
    envelope = m.Envelope(
        tenant=performance.tenant_id,
        session_id=performance.id,
        epoch=performance.epoch,
        sequence=0,
        created_at=now,
    )
    detail = f"no progress in {performance.attempts} attempts"
    return m.Status(envelope=envelope, stage="worker", kind=m.StatusKind.FAILED, code=STALLED, detail=detail)
