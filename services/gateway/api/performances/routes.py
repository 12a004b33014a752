"""`/v1/performances`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.admission import admit_waiting, take_turn
from services.gateway.api.call import Call, caller
from services.gateway.api.etags import etag_of, representation, require_match
from services.gateway.api.idempotency import Answer, IdempotencyHeader, answer_once
from services.gateway.api.openapi import BINARY, BODY_PROBLEMS, KEY_PROBLEMS, NOT_MODIFIED, refusals
from services.gateway.api.pagination import Page, Paging, paging
from services.gateway.api.performances.inputs import read_submission
from services.gateway.api.performances.models import Performance, State
from services.gateway.api.performances.request import REQUEST
from services.gateway.api.performances.rows import files_of, new_row, performance_row, require_character
from services.gateway.api.performances.views import performance_of, queue_positions
from services.gateway.api.quotas import require_seconds, require_storage, require_turn
from services.gateway.api.ranges import send_blob
from services.gateway.api.stores import stored
from services.gateway.api.values import PerformanceId
from services.gateway.changes import cancel_performance
from services.gateway.problems import (
    CHARACTER_UNUSABLE,
    CONCURRENCY_LIMIT,
    CONFLICT,
    NOT_FOUND,
    PRECONDITION_FAILED,
    QUOTA_EXCEEDED,
    RANGE_NOT_SATISFIABLE,
    Problem,
)
from services.kit.database import tables
from services.kit.database.outbox import enqueue
from services.kit.database.releases import script_message
from services.kit.errors import Stale
from services.kit.topics import SCRIPTS

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1/performances", tags=["performances"])

Reading = Annotated[Call, caller("performances:read")]
Writing = Annotated[Call, caller("performances:write")]

# Services that still work on it may write a blob after it was deleted.
_BLOBS_LINGER: Final = timedelta(minutes=10)
_MP4: Final = {"video/mp4": {"schema": BINARY}}


@router.post(
    "",
    status_code=202,
    response_model=Performance,
    openapi_extra=REQUEST,
    responses=refusals(*BODY_PROBLEMS, NOT_FOUND, QUOTA_EXCEEDED, CHARACTER_UNUSABLE, CONCURRENCY_LIMIT),
)
async def create_performance(call: Writing, key: IdempotencyHeader = None) -> Response:
    """Ask for a video of a character: what it says, as a file, an address or a text, or what it listens to.

    With both, which begin together, it is a conversation; it lasts as long as the longer one. Instead, a
    driver may be followed. It waits until its words were judged, its character is ready and there is room.
    """
    async with read_submission(call.request) as submission:
        row = new_row(call, submission)

        async def work(session: AsyncSession) -> Answer:
            await require_character(session, call, row.character_id)
            await require_seconds(session, call)
            await require_storage(session, call, row.input_size_bytes)
            await require_turn(session, call)
            session.add(row)
            enqueue(session, SCRIPTS, script_message(row, call.now), call.now)
            await session.flush()
            body = performance_of(row, await queue_positions(session, [row]))
            return Answer(status=202, body=body, headers={"Location": f"/v1/performances/{row.id}"})

        around = stored(call.gateway.blobs, files_of(row, submission))
        return await answer_once(call, key, work, around)


@router.get("", response_model=Page[Performance], responses=refusals())
async def list_performances(
    call: Reading,
    page: Annotated[Paging, Depends(paging)],
    state: Annotated[State | None, Query(description="Only those in this state")] = None,
    character_id: Annotated[
        str | None,
        Query(pattern=r"^chr_[0-9a-z]{26}$", description="Only those of this character"),
    ] = None,
) -> Response:
    """The performances, the newest first."""
    query = select(tables.Performance).where(
        tables.Performance.tenant_id == call.tenant,
        tables.Performance.deleted_at.is_(None),
        tables.Performance.id < page.before("per_"),
    )
    if state is not None:
        query = query.where(tables.Performance.state == state)
    if character_id is not None:
        query = query.where(tables.Performance.character_id == character_id)
    async with call.read() as session:
        found = await session.scalars(query.order_by(tables.Performance.id.desc()).limit(page.limit + 1))
        rows = found.all()
        positions = await queue_positions(session, rows[: page.limit])
    answer = Page(
        data=[performance_of(row, positions) for row in rows[: page.limit]],
        has_more=len(rows) > page.limit,
        next_cursor=page.next_cursor([row.id for row in rows]),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get(
    "/{performance_id}", response_model=Performance, responses={**NOT_MODIFIED, **refusals(NOT_FOUND)}
)
async def get_performance(call: Reading, performance_id: PerformanceId) -> Response:
    """One performance."""
    async with call.read() as session:
        row = await performance_row(session, call, performance_id)
        positions = await queue_positions(session, [row])
    return representation(call.request, performance_of(row, positions))


@router.post(
    "/{performance_id}/cancel",
    response_model=Performance,
    responses=refusals(*KEY_PROBLEMS, NOT_FOUND, CONFLICT, PRECONDITION_FAILED),
)
async def cancel(call: Writing, performance_id: PerformanceId, key: IdempotencyHeader = None) -> Response:
    """Stop a performance that is queued or being made."""

    async def work(session: AsyncSession) -> Answer:
        await take_turn(session)
        row = await _row_to_change(session, call, performance_id)
        try:
            await cancel_performance(session, row, call.now)
        except Stale as error:
            raise Problem(CONFLICT, str(error)) from error
        await admit_waiting(session, call.gateway.settings.admission, call.now)
        return Answer(status=200, body=performance_of(row, {}))

    return await answer_once(call, key, work)


@router.delete("/{performance_id}", status_code=204, responses=refusals(NOT_FOUND, PRECONDITION_FAILED))
async def delete_performance(call: Writing, performance_id: PerformanceId) -> Response:
    """Delete a performance with its files; one that is not done is cancelled first."""
    async with call.begin() as session:
        await take_turn(session)
        row = await _row_to_change(session, call, performance_id)
        is_unfinished = row.finished_at is None
        if is_unfinished:
            await cancel_performance(session, row, call.now)
        row.deleted_at = row.updated_at = call.now
        session.add(
            tables.BlobDeletion(
                tenant_id=call.tenant,
                prefix=f"{call.tenant}/performances/{row.id}/",
                due_at=call.now + _BLOBS_LINGER if is_unfinished else call.now,
                created_at=call.now,
            )
        )
        await admit_waiting(session, call.gateway.settings.admission, call.now)
    return Response(status_code=204)


@router.get(
    "/{performance_id}/video",
    response_class=Response,
    responses={
        200: {"description": "The video", "content": _MP4},
        206: {"description": "A part of the video", "content": _MP4},
        **NOT_MODIFIED,
        **refusals(NOT_FOUND, CONFLICT, RANGE_NOT_SATISFIABLE),
    },
)
async def get_video(call: Reading, performance_id: PerformanceId) -> Response:
    """The video as an MP4 file; understands `Range`."""
    async with call.read() as session:
        row = await performance_row(session, call, performance_id)
    if row.state is not tables.PerformanceState.SUCCEEDED or row.video_uri is None:
        raise Problem(CONFLICT, f"performance {row.id} is {row.state}, there is a video once it succeeded")
    return await send_blob(
        call.request,
        call.gateway.blobs,
        row.video_uri,
        media_type="video/mp4",
        etag=f'"{(row.video_sha256 or row.id)[:32]}"',
        disposition=f'attachment; filename="{row.id}.mp4"',
    )


async def _row_to_change(session: AsyncSession, call: Call, performance_id: str) -> tables.Performance:
    row = await performance_row(session, call, performance_id, is_to_change=True)
    if "if-match" in call.request.headers:
        body = performance_of(row, await queue_positions(session, [row]))
        require_match(call.request, etag_of(body.model_dump_json().encode()))
    return row
