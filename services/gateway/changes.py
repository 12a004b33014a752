"""What happens to a row when its state changes: times, reservations, the outbox and webhook events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway import domain
from services.kit import messages as m
from services.kit.contracts import FRAME_RATE_HZ
from services.kit.database.events import record_event
from services.kit.database.outbox import enqueue
from services.kit.database.releases import performance_message
from services.kit.database.tables import (
    Character,
    CharacterState,
    JsonObject,
    Performance,
    PerformanceState,
    UsageRecord,
)
from services.kit.topics import CONTROLS, PERFORMANCES

__all__ = [
    "cancel_performance",
    "fail_performance",
    "finish_character",
    "prepare_character",
    "reasons_of",
    "reject_performance",
    "release_performance",
    "succeed_performance",
    "warn",
]


async def release_performance(
    session: AsyncSession,
    performance: Performance,
    character: Character,
    max_duration_s: float,
    now: datetime,
) -> None:
    """Let a queued performance begin."""
    _move(performance, PerformanceState.PROCESSING, now)
    performance.max_duration_s = performance.reserved_s = max_duration_s
    performance.started_at = performance.progressed_at = now
    performance.attempts += 1
    enqueue(session, PERFORMANCES, performance_message(performance, character, now), now)
    await _tell(session, performance, now)


async def succeed_performance(
    session: AsyncSession, performance: Performance, status: m.Status, now: datetime
) -> None:
    """The video is there: note it, and count its seconds once."""
    _move(performance, PerformanceState.SUCCEEDED, now)
    performance.video_uri = status.video_uri
    performance.video_size_bytes = status.size_bytes
    performance.video_sha256 = status.sha256
    performance.video_frames = status.num_frames
    performance.motion_uri = status.motion_uri or None
    performance.frames_expected = performance.frames_done = status.num_frames
    session.add(
        UsageRecord(
            performance_id=performance.id,
            tenant_id=performance.tenant_id,
            video_s=status.num_frames / FRAME_RATE_HZ,
            created_at=now,
        )
    )
    await _tell(session, performance, now)


def warn(performance: Performance, notices: Iterable[m.Notice]) -> None:
    """Keep what its owner should know; a later attempt says the same again, and once is enough."""
    told = [{"code": notice.code, "detail": notice.detail} for notice in notices]
    known = list(performance.warnings)
    performance.warnings = known + [each for each in told if each not in known]


async def fail_performance(
    session: AsyncSession, performance: Performance, code: str, detail: str, now: datetime
) -> None:
    """It cannot be done; whoever still works on it stops."""
    was_running = performance.state is PerformanceState.PROCESSING
    _move(performance, PerformanceState.FAILED, now)
    performance.error_code, performance.error_detail = code, detail
    if was_running:
        stop_session(session, performance, now)
    await _tell(session, performance, now)


async def reject_performance(
    session: AsyncSession, performance: Performance, reasons: Sequence[JsonObject], now: datetime
) -> None:
    """Moderation refused it, or its character."""
    _move(performance, PerformanceState.REJECTED, now)
    performance.reasons = reasons
    await _tell(session, performance, now)


async def cancel_performance(session: AsyncSession, performance: Performance, now: datetime) -> None:
    """Its owner does not want it any more. Raises Stale when it has ended already."""
    was_running = performance.state is PerformanceState.PROCESSING
    _move(performance, PerformanceState.CANCELLED, now)
    if was_running:
        stop_session(session, performance, now)
    await _tell(session, performance, now)


def stop_session(session: AsyncSession, performance: Performance, now: datetime) -> None:
    """Tell the services that hold the session to drop it."""
    envelope = m.Envelope(
        tenant=performance.tenant_id,
        session_id=performance.id,
        epoch=performance.epoch,
        sequence=0,
        created_at=now,
    )
    enqueue(session, CONTROLS, m.Control(envelope=envelope, kind=m.ControlKind.CANCEL), now)


def prepare_character(character: Character, now: datetime) -> None:
    """Moderation approved it; encoding makes its identity."""
    _move_character(character, CharacterState.PREPARING, now)
    character.announced_at, character.announcements = now, 0


async def finish_character(
    session: AsyncSession, character: Character, state: CharacterState, now: datetime
) -> None:
    """The character is ready, rejected or failed; the reasons stand in the row already."""
    _move_character(character, state, now)
    data: dict[str, object] = {"id": character.id, "state": state.value}
    if character.error_code:
        data["error"] = {"code": character.error_code, "detail": character.error_detail}
    await record_event(session, character.tenant_id, f"character.{state.value}", data, now)


def reasons_of(reasons: Sequence[m.Reason]) -> list[JsonObject]:
    """Moderation's reasons as they are stored."""
    return [{"code": each.code, "detail": each.detail, "score": each.score} for each in reasons]


def _move(performance: Performance, state: PerformanceState, now: datetime) -> None:
    then = domain.PerformanceState(state.value)
    domain.move_performance(domain.PerformanceState(performance.state.value), then)
    performance.state = state
    performance.updated_at = now
    if then.is_final:
        performance.finished_at = now
        performance.reserved_s = 0.0


def _move_character(character: Character, state: CharacterState, now: datetime) -> None:
    domain.move_character(domain.CharacterState(character.state.value), domain.CharacterState(state.value))
    character.state = state
    character.updated_at = now


async def _tell(session: AsyncSession, performance: Performance, now: datetime) -> None:
    data: dict[str, object] = {
        "id": performance.id,
        "state": performance.state.value,
        "character_id": performance.character_id,
        "metadata": performance.extra,
    }
    if performance.error_code:
        data["error"] = {"code": performance.error_code, "detail": performance.error_detail}
    event_type = f"performance.{performance.state.value}"
    await record_event(session, performance.tenant_id, event_type, data, now)
