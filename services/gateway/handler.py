"""What the platform's results do to characters and performances: one transaction a message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.admission import admit_waiting, take_turn
from services.gateway.changes import (
    fail_performance,
    finish_character,
    prepare_character,
    reasons_of,
    reject_performance,
    succeed_performance,
    warn,
)
from services.gateway.settings import AdmissionSettings
from services.kit import messages as m
from services.kit.clock import Clock
from services.kit.consumer import Route, settling
from services.kit.contracts import FRAME_RATE_HZ
from services.kit.database.database import Database
from services.kit.database.releases import begin_again
from services.kit.database.tables import (
    Character,
    CharacterState,
    Clip,
    Performance,
    PerformanceState,
    ScriptState,
    SubjectName,
    Verdict,
)
from services.kit.errors import Stale
from services.kit.topics import CLIPS, IDENTITIES, STATUSES, VERDICTS

__all__ = ["routes"]

_SESSION_LOST: Final = "session_lost"


def routes(database: Database, clock: Clock, settings: AdmissionSettings) -> list[Route[Any]]:
    """What the gateway does with verdicts, identities, clips and statuses."""
    results = _Results(database, clock, settings)
    return [
        Route(topic=VERDICTS, handle=settling(results.take_verdict)),
        Route(topic=IDENTITIES, handle=settling(results.take_identity)),
        Route(topic=CLIPS, handle=settling(results.take_clip)),
        Route(topic=STATUSES, handle=settling(results.take_status)),
    ]


class _Results:
    """Every method may be called again with the same message: what was done already is Stale."""

    def __init__(self, database: Database, clock: Clock, settings: AdmissionSettings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    async def take_verdict(self, verdict: m.Verdict) -> None:
        judge = _judge_character if verdict.subject is m.SubjectKind.CHARACTER else _judge_performance
        await self._change(lambda session, now: judge(session, verdict, now))

    async def take_identity(self, identity: m.Identity) -> None:
        await self._change(lambda session, now: _note_identity(session, identity, now))

    async def take_status(self, status: m.Status) -> None:
        max_attempts = self._settings.max_attempts
        await self._change(lambda session, now: _apply_status(session, status, max_attempts, now))

    async def take_clip(self, clip: m.Clip) -> None:
        now = self._clock.now()
        async with self._database.begin() as session:
            performance = await _attempt(session, clip.envelope)
            await _add_clip(session, clip, now)
            if performance.state is PerformanceState.PROCESSING:
                performance.frames_done = max(performance.frames_done, clip.first_frame + clip.num_frames)
                performance.progressed_at = performance.updated_at = now

    async def _change(self, change: Callable[[AsyncSession, datetime], Awaitable[None]]) -> None:
        """Change what is there, and let in what may begin because of it."""
        now = self._clock.now()
        async with self._database.begin() as session:
            await take_turn(session)
            await change(session, now)
            await admit_waiting(session, self._settings, now)


async def _judge_character(session: AsyncSession, verdict: m.Verdict, now: datetime) -> None:
    character = await _character(session, verdict.tenant, verdict.subject_id)
    if character.state is not CharacterState.PENDING:
        raise Stale(f"character {character.id} was judged before")
    _keep_verdict(session, verdict, SubjectName.CHARACTER, now)
    character.reasons, character.policy = reasons_of(verdict.reasons), verdict.policy
    if verdict.is_approved:
        prepare_character(character, now)
        await _finish_if_prepared(session, character, now)
        return
    await finish_character(session, character, CharacterState.REJECTED, now)
    for performance in await _queued(session, character):
        reason = {"code": "character_rejected", "detail": f"character {character.id} was rejected"}
        await reject_performance(session, performance, [reason], now)


async def _judge_performance(session: AsyncSession, verdict: m.Verdict, now: datetime) -> None:
    performance = await session.get(Performance, verdict.subject_id, with_for_update=True)
    if performance is None or performance.tenant_id != verdict.tenant:
        raise Stale(f"performance {verdict.subject_id} is gone")
    if (
        performance.state is not PerformanceState.QUEUED
        or performance.script_state is not ScriptState.PENDING
    ):
        raise Stale(f"performance {performance.id} was judged before")
    _keep_verdict(session, verdict, SubjectName.PERFORMANCE, now)
    performance.reasons, performance.policy = reasons_of(verdict.reasons), verdict.policy
    performance.updated_at = now
    warn(performance, verdict.notices)
    if verdict.is_approved:
        performance.script_state = ScriptState.APPROVED
        return
    performance.script_state = ScriptState.REJECTED
    await reject_performance(session, performance, performance.reasons, now)


async def _note_identity(session: AsyncSession, identity: m.Identity, now: datetime) -> None:
    character = await _character(session, identity.tenant, identity.character_id)
    if character.state not in {CharacterState.PENDING, CharacterState.PREPARING}:
        # Encoding also tells of the bundles that it makes for performances of other sizes.
        raise Stale(f"character {character.id} is not being prepared")
    character.num_faces = identity.num_faces or None
    if identity.code:
        character.error_code, character.error_detail = identity.code, identity.detail
    else:
        character.identity_uri = identity.identity_uri
    # Encoding answers to the verdict, and its answer may overtake it on the way to us.
    if character.state is CharacterState.PREPARING:
        await _finish_if_prepared(session, character, now)


async def _finish_if_prepared(session: AsyncSession, character: Character, now: datetime) -> None:
    if character.identity_uri is not None:
        await finish_character(session, character, CharacterState.READY, now)
    elif character.error_code is not None:
        await finish_character(session, character, CharacterState.FAILED, now)
        for performance in await _queued(session, character):
            await fail_performance(
                session, performance, character.error_code, character.error_detail or "", now
            )


async def _apply_status(session: AsyncSession, status: m.Status, max_attempts: int, now: datetime) -> None:
    performance = await _attempt(session, status.envelope)
    if performance.state is not PerformanceState.PROCESSING:
        raise Stale(f"performance {performance.id} is {performance.state}")
    performance.updated_at = performance.progressed_at = now
    warn(performance, status.notices)
    if status.kind is m.StatusKind.MEASURED:
        performance.frames_expected = status.num_frames
        performance.reserved_s = status.num_frames / FRAME_RATE_HZ
    elif status.kind is m.StatusKind.PROGRESSED:
        # Who waits for an engine gives signs of life before its steps are counted.
        performance.steps_done, performance.steps_expected = status.steps_done, status.steps_expected or None
    elif status.kind is m.StatusKind.FINISHED:
        await succeed_performance(session, performance, status, now)
    elif status.code == _SESSION_LOST and performance.attempts < max_attempts:
        # Nobody's fault but ours: messages or snapshots are gone, the inputs are not.
        await begin_again(session, performance, now)
    else:
        await fail_performance(session, performance, status.code, status.detail, now)


async def _attempt(session: AsyncSession, envelope: m.Envelope) -> Performance:
    """The performance, if the message belongs to its present attempt."""
    performance = await session.get(Performance, envelope.session_id, with_for_update=True)
    if performance is None or performance.tenant_id != envelope.tenant or performance.deleted_at is not None:
        raise Stale(f"performance {envelope.session_id} is gone")
    if performance.epoch != envelope.epoch:
        raise Stale(f"epoch {envelope.epoch} of {performance.id}, expected {performance.epoch}")
    return performance


async def _character(session: AsyncSession, tenant: str, character_id: str) -> Character:
    character = await session.get(Character, character_id, with_for_update=True)
    if character is None or character.tenant_id != tenant or character.deleted_at is not None:
        raise Stale(f"character {character_id} is gone")
    return character


async def _queued(session: AsyncSession, character: Character) -> list[Performance]:
    rows = await session.scalars(
        select(Performance)
        .where(
            Performance.tenant_id == character.tenant_id,
            Performance.character_id == character.id,
            Performance.state == PerformanceState.QUEUED,
        )
        .with_for_update()
    )
    return list(rows)


def _keep_verdict(session: AsyncSession, verdict: m.Verdict, subject: SubjectName, now: datetime) -> None:
    session.add(
        Verdict(
            tenant_id=verdict.tenant,
            subject=subject,
            subject_id=verdict.subject_id,
            is_approved=verdict.is_approved,
            reasons=reasons_of(verdict.reasons),
            policy=verdict.policy,
            judged_at=verdict.created_at,
            created_at=now,
        )
    )


async def _add_clip(session: AsyncSession, clip: m.Clip, now: datetime) -> None:
    envelope = clip.envelope
    place = (envelope.tenant, envelope.session_id, envelope.epoch, envelope.sequence)
    if await session.get(Clip, place) is not None:
        raise Stale(f"clip {envelope.sequence} of {envelope.session_id} was noted before")
    session.add(
        Clip(
            tenant_id=envelope.tenant,
            performance_id=envelope.session_id,
            epoch=envelope.epoch,
            sequence=envelope.sequence,
            uri=clip.clip_uri,
            first_frame=clip.first_frame,
            num_frames=clip.num_frames,
            is_final=clip.is_final,
            created_at=now,
        )
    )
