"""Rows of performances: a new one from what was asked, and the caller's own by id."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.api.call import Call
from services.gateway.api.performances.inputs import Submission
from services.gateway.api.performances.models import Listen, PerformanceIn, Source
from services.gateway.api.stores import File
from services.gateway.problems import CHARACTER_UNUSABLE, NOT_FOUND, Problem
from services.kit.database import tables

__all__ = ["files_of", "new_row", "performance_row", "require_character"]


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
    asked, uploads = submission.asked, submission.uploads
    folder = f"{call.tenant}/performances/{performance_id}"
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
        source=_input(submission.source, folder),
        listen=_input(submission.listen, folder),
        input_size_bytes=sum(upload.size_bytes for upload in uploads.values()),
        max_duration_s=0.0,
        reserved_s=0.0,
        directions=_directions(asked),
        motion_intensity=None if asked.motion_intensity is None else asked.motion_intensity.model_dump(),
        extra=dict(asked.metadata),
        warnings=_warnings(submission),
        script_state=tables.ScriptState.PENDING,
        reasons=[],
        frames_done=0,
        video_size_bytes=0,
        announced_at=call.now,
        announcements=1,
        created_at=call.now,
        updated_at=call.now,
    )


def files_of(row: tables.Performance, submission: Submission) -> list[File]:
    """The files that were sent, with the keys that the row has for them."""
    inputs = {"speech": row.source, "driver": row.source, "listen": row.listen or {}}
    return [
        File(key=str(inputs[name]["uri"]), upload=upload, media_type=str(inputs[name]["media_type"]))
        for name, upload in submission.uploads.items()
    ]


def _input(given: Source | Listen | None, folder: str) -> dict[str, Any]:
    """An input as it is stored; what comes as a file gets its place in the folder."""
    if given is None:
        return {}
    stored = given.model_dump(exclude_none=True)
    name, _, kind = given.kind.partition("_")
    return stored | {"uri": f"{folder}/{name}"} if kind == "file" else stored


def _directions(asked: PerformanceIn) -> list[dict[str, Any]]:
    overall: list[dict[str, Any]] = []
    if asked.direction is not None:
        overall = [{"start_s": 0.0, "end_s": None, "text": asked.direction, "is_overall": True}]
    return overall + [cue.model_dump() for cue in asked.timeline]


def _warnings(submission: Submission) -> list[dict[str, Any]]:
    asked, source = submission.asked, submission.source
    if source is None or not source.kind.startswith("driver"):
        return []
    warnings = []
    if asked.direction is not None or asked.timeline:
        detail = "the driver's motion is taken as it is; the direction is kept and not followed"
        warnings.append({"code": "direction_ignored", "detail": detail})
    if asked.motion_intensity is not None:
        detail = "the driver's motion is taken as it is; the motion intensity is kept and does not act"
        warnings.append({"code": "motion_intensity_ignored", "detail": detail})
    return warnings
