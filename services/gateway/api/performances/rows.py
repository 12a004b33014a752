"""Rows of performances: a new one from what was asked, and the caller's own by id."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.api.call import Call
from services.gateway.api.performances.inputs import Submission
from services.gateway.api.performances.models import PerformanceIn
from services.gateway.problems import CHARACTER_UNUSABLE, NOT_FOUND, Problem
from services.kit.database import tables

__all__ = ["new_row", "performance_row", "require_character"]


async def performance_row(
    session: AsyncSession, call: Call, performance_id: str, *, is_to_change: bool = False
) -> tables.Performance:
    """The row of one of the caller's performances. Raises Problem not_found."""
    row = await session.get(tables.Performance, performance_id, with_for_update=is_to_change)
    if row is None or row.tenant_id != call.tenant or row.deleted_at is not None:
        raise Problem(NOT_FOUND, f"no performance {performance_id}")
    return row


async def require_character(session: AsyncSession, call: Call, character_id: str) -> None:
    """Hold on to the caller's character. Raises Problem when it is not there or never will be ready."""
    # The lock lets no verdict pass between this look and the new row, which must hear of it.
    row = await session.get(tables.Character, character_id, with_for_update={"read": True})
    if row is None or row.tenant_id != call.tenant or row.deleted_at is not None:
        raise Problem(NOT_FOUND, f"no character {character_id}")
    if row.state in {tables.CharacterState.REJECTED, tables.CharacterState.FAILED}:
        raise Problem(CHARACTER_UNUSABLE, f"character {character_id} is {row.state}")


def new_row(call: Call, submission: Submission) -> tables.Performance:
    """The row of a performance that waits to be judged and admitted."""
    performance_id = call.gateway.new_id("per")
    asked, upload = submission.asked, submission.upload
    source: dict[str, Any] = submission.source.model_dump(exclude_none=True)
    if upload is not None:
        source["uri"] = f"{call.tenant}/performances/{performance_id}/{upload.name}"
    return tables.Performance(
        id=performance_id,
        tenant_id=call.tenant,
        character_id=asked.character_id,
        state=tables.PerformanceState.QUEUED,
        epoch=0,
        attempts=0,
        engine=asked.engine,
        size=asked.size,
        seed=asked.seed,
        source=source,
        input_size_bytes=0 if upload is None else upload.size_bytes,
        max_duration_s=0.0,
        reserved_s=0.0,
        directions=_directions(asked),
        extra=dict(asked.metadata),
        warnings=_warnings(asked),
        script_state=tables.ScriptState.PENDING,
        reasons=[],
        frames_done=0,
        video_size_bytes=0,
        announced_at=call.now,
        announcements=1,
        created_at=call.now,
        updated_at=call.now,
    )


def _directions(asked: PerformanceIn) -> list[dict[str, Any]]:
    overall: list[dict[str, Any]] = []
    if asked.direction is not None:
        overall = [{"start_s": 0.0, "end_s": None, "text": asked.direction, "is_overall": True}]
    return overall + [cue.model_dump() for cue in asked.timeline]


def _warnings(asked: PerformanceIn) -> list[dict[str, Any]]:
    found = []
    if asked.direction is not None or asked.timeline:
        detail = f"engine {asked.engine} does not follow directions yet; the text is kept"
        found.append({"code": "direction_ignored", "detail": detail})
    for number, cue in enumerate(asked.timeline):
        if cue.end_s is not None and cue.end_s <= cue.start_s:
            detail = f"timeline.{number} ends at {cue.end_s:g} s, before it begins at {cue.start_s:g} s"
            found.append({"code": "cue_never_in_force", "detail": detail})
    return found
