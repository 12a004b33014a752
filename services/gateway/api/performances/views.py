"""From rows to what clients see of performances."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.gateway.api.performances.models import (
    Caveat,
    Cue,
    Listen,
    Motion,
    MotionIntensity,
    Performance,
    Progress,
    Source,
    Video,
)
from services.gateway.api.values import Failure, ReasonItem
from services.gateway.domain import eta_s
from services.kit.contracts import FRAME_RATE_HZ
from services.kit.database import tables

__all__ = ["performance_of", "queue_positions"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_QUEUED: Final = tables.PerformanceState.QUEUED
_PROCESSING: Final = tables.PerformanceState.PROCESSING


async def queue_positions(session: AsyncSession, rows: Collection[tables.Performance]) -> dict[str, int]:
    """The places of those that are queued, from 1; the queue is that of the whole platform."""
    ids = [row.id for row in rows if row.state is _QUEUED]
    if not ids:
        return {}
    mine, other = aliased(tables.Performance), aliased(tables.Performance)
    is_before = or_(
        other.created_at < mine.created_at,
        and_(other.created_at == mine.created_at, other.id <= mine.id),
    )
    found = await session.execute(
        select(mine.id, func.count())
        .join(other, and_(other.state == _QUEUED, is_before))
        .where(mine.id.in_(ids))
        .group_by(mine.id)
    )
    return dict(found.all())


def performance_of(row: tables.Performance, positions: Mapping[str, int]) -> Performance:
    """A performance as clients see it; `positions` are those of `queue_positions`."""
    error = None
    if row.error_code is not None:
        error = Failure(code=row.error_code, detail=row.error_detail or "")
    # JSON of our own making
    cues = cast("list[dict[str, Any]]", row.directions)
    return Performance(
        id=row.id,
        state=row.state.value,
        character_id=row.character_id,
        source=_shown(Source, row.source),
        listen=_shown(Listen, row.listen or {}),
        direction=next((cue["text"] for cue in cues if cue.get("is_overall")), None),
        timeline=[_cue(cue) for cue in cues if not cue.get("is_overall")],
        motion_intensity=_shown(MotionIntensity, row.motion_intensity or {}),
        engine=row.engine,
        size=row.size,
        seed=row.seed,
        metadata=cast("dict[str, str]", row.extra),
        warnings=[Caveat.model_validate(each) for each in row.warnings],
        queue_position=positions.get(row.id),
        progress=_progress(row),
        reasons=[ReasonItem.model_validate(each) for each in row.reasons],
        error=error,
        video=_video(row),
        motion=_motion(row),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        updated_at=row.updated_at,
    )


def _shown(model: type[ModelT], stored: Mapping[str, object]) -> ModelT | None:
    """What clients see of an input, if there is one."""
    shown = {name: stored[name] for name in stored if name in model.model_fields}
    return model.model_validate(shown) if shown else None


def _cue(cue: Mapping[str, Any]) -> Cue:
    return Cue(start_s=cue["start_s"], end_s=cue["end_s"], text=cue["text"])


def _progress(row: tables.Performance) -> Progress:
    left_s = None
    if row.state is _PROCESSING and row.started_at is not None and row.progressed_at is not None:
        elapsed_s = (row.progressed_at - row.started_at).total_seconds()
        done, expected = row.frames_done, row.frames_expected
        if row.steps_done is not None:
            done, expected = row.steps_done, row.steps_expected
        left_s = eta_s(done, expected, elapsed_s)
    return Progress(
        frames_done=row.frames_done,
        frames_expected=row.frames_expected,
        steps_done=row.steps_done,
        steps_expected=row.steps_expected,
        eta_s=None if left_s is None else round(left_s, 1),
    )


def _video(row: tables.Performance) -> Video | None:
    if row.state is not tables.PerformanceState.SUCCEEDED or row.video_uri is None:
        return None
    num_frames = row.video_frames or 0
    return Video(
        url=f"/v1/performances/{row.id}/video",
        size_bytes=row.video_size_bytes,
        sha256=row.video_sha256 or "",
        num_frames=num_frames,
        duration_s=num_frames / FRAME_RATE_HZ,
    )


def _motion(row: tables.Performance) -> Motion | None:
    if row.state is not tables.PerformanceState.SUCCEEDED or row.motion_uri is None:
        return None
    return Motion(
        url=f"/v1/performances/{row.id}/motion",
        num_frames=row.video_frames or 0,
        frame_rate_hz=FRAME_RATE_HZ,
    )
