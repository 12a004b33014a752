"""`/v1/characters`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.api.call import Call, caller
from services.gateway.api.characters.inputs import Picture, picture_request, read_picture
from services.gateway.api.characters.models import Character, CharacterIn, State
from services.gateway.api.characters.views import character_of
from services.gateway.api.etags import etag_of, representation, require_match
from services.gateway.api.idempotency import Answer, IdempotencyHeader, answer_once
from services.gateway.api.media_types import PICTURE_TYPES
from services.gateway.api.openapi import BINARY, BODY_PROBLEMS, NOT_MODIFIED, refusals
from services.gateway.api.pagination import Page, Paging, paging
from services.gateway.api.quotas import require_storage
from services.gateway.api.ranges import send_blob
from services.gateway.api.stores import stored
from services.gateway.api.values import CharacterId
from services.gateway.problems import (
    CHARACTER_IN_USE,
    NOT_FOUND,
    PRECONDITION_FAILED,
    QUOTA_EXCEEDED,
    RANGE_NOT_SATISFIABLE,
    Problem,
)
from services.kit.database import tables
from services.kit.database.outbox import enqueue
from services.kit.database.releases import character_message
from services.kit.topics import CHARACTERS

__all__ = ["character_row", "router"]

_PICTURES: Final = {kind: {"schema": BINARY} for kind in sorted(PICTURE_TYPES)}

router: Final = APIRouter(prefix="/v1/characters", tags=["characters"])

Reading = Annotated[Call, caller("characters:read")]
Writing = Annotated[Call, caller("characters:write")]

# Services that still work on it may write a blob after its rows are gone.
BLOBS_LINGER: Final = timedelta(minutes=10)


@router.post(
    "",
    status_code=202,
    response_model=Character,
    openapi_extra=picture_request(CharacterIn, "portrait"),
    responses=refusals(*BODY_PROBLEMS, QUOTA_EXCEEDED),
)
async def create_character(call: Writing, key: IdempotencyHeader = None) -> Response:
    """Upload a portrait. The character is judged and prepared; follow its `state`."""
    async with read_picture(call.request, "portrait", CharacterIn) as picture:
        row = _new_row(call, picture)

        async def work(session: AsyncSession) -> Answer:
            await require_storage(session, call, picture.upload.size_bytes)
            session.add(row)
            enqueue(session, CHARACTERS, character_message(row), call.now)
            await session.flush()
            headers = {"Location": f"/v1/characters/{row.id}"}
            return Answer(status=202, body=character_of(row), headers=headers)

        around = stored(call.gateway.blobs, [picture.stored_at(row.portrait_uri)])
        return await answer_once(call, key, work, around)


@router.get("", response_model=Page[Character], responses=refusals())
async def list_characters(
    call: Reading,
    page: Annotated[Paging, Depends(paging)],
    state: Annotated[State | None, Query(description="Only those in this state")] = None,
) -> Response:
    """The characters, the newest first."""
    query = select(tables.Character).where(
        tables.Character.tenant_id == call.tenant,
        tables.Character.deleted_at.is_(None),
        tables.Character.id < page.before("chr_"),
    )
    if state is not None:
        query = query.where(tables.Character.state == state)
    async with call.read() as session:
        rows = (await session.scalars(query.order_by(tables.Character.id.desc()).limit(page.limit + 1))).all()
    answer = Page(
        data=[character_of(row) for row in rows[: page.limit]],
        has_more=len(rows) > page.limit,
        next_cursor=page.next_cursor([row.id for row in rows]),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/{character_id}", response_model=Character, responses={**NOT_MODIFIED, **refusals(NOT_FOUND)})
async def get_character(call: Reading, character_id: CharacterId) -> Response:
    """One character."""
    async with call.read() as session:
        row = await character_row(session, call, character_id)
    return representation(call.request, character_of(row))


@router.get(
    "/{character_id}/portrait",
    response_class=Response,
    responses={
        200: {"description": "The picture as it was sent", "content": _PICTURES},
        206: {"description": "A part of it", "content": _PICTURES},
        **NOT_MODIFIED,
        **refusals(NOT_FOUND, RANGE_NOT_SATISFIABLE),
    },
)
async def get_portrait(call: Reading, character_id: CharacterId) -> Response:
    """The portrait as it was uploaded."""
    async with call.read() as session:
        row = await character_row(session, call, character_id)
    return await send_blob(
        call.request,
        call.gateway.blobs,
        row.portrait_uri,
        media_type=row.portrait_media_type,
        etag=f'"{row.portrait_sha256[:32]}"',
        disposition=f'inline; filename="{row.id}"',
    )


@router.delete(
    "/{character_id}",
    status_code=204,
    responses=refusals(NOT_FOUND, CHARACTER_IN_USE, PRECONDITION_FAILED),
)
async def delete_character(call: Writing, character_id: CharacterId) -> Response:
    """Delete a character with its portrait and references; its finished videos stay."""
    async with call.begin() as session:
        row = await character_row(session, call, character_id, is_to_change=True)
        require_match(call.request, etag_of(character_of(row).model_dump_json().encode()))
        if await _num_unfinished(session, row):
            raise Problem(CHARACTER_IN_USE, f"performances of {row.id} are not done; cancel them first")
        row.deleted_at = row.updated_at = call.now
        session.add(
            tables.BlobDeletion(
                tenant_id=call.tenant,
                prefix=f"{call.tenant}/characters/{row.id}/",
                due_at=call.now + BLOBS_LINGER,
                created_at=call.now,
            )
        )
    return Response(status_code=204)


async def character_row(
    session: AsyncSession, call: Call, character_id: str, *, is_to_change: bool = False
) -> tables.Character:
    """The row of one of the caller's characters. Raises Problem not_found."""
    row = await session.get(tables.Character, character_id, with_for_update=is_to_change)
    if row is None or row.tenant_id != call.tenant or row.deleted_at is not None:
        raise Problem(NOT_FOUND, f"no character {character_id}")
    return row


def _new_row(call: Call, picture: Picture[CharacterIn]) -> tables.Character:
    character_id = call.gateway.new_id("chr")
    asked = picture.asked
    return tables.Character(
        id=character_id,
        tenant_id=call.tenant,
        name=asked.name,
        state=tables.CharacterState.PENDING,
        face=asked.face,
        portrait_uri=f"{call.tenant}/characters/{character_id}/portrait",
        portrait_media_type=picture.media_type,
        portrait_size_bytes=picture.upload.size_bytes,
        portrait_sha256=picture.upload.sha256,
        consent_kind=tables.ConsentName(asked.consent.kind),
        consent_granted_by=asked.consent.granted_by,
        consent_granted_at=asked.consent.granted_at,
        reasons=[],
        announced_at=call.now,
        announcements=1,
        created_at=call.now,
        updated_at=call.now,
    )


async def _num_unfinished(session: AsyncSession, row: tables.Character) -> int:
    unfinished = (tables.PerformanceState.QUEUED, tables.PerformanceState.PROCESSING)
    found = await session.scalar(
        select(func.count()).where(
            tables.Performance.tenant_id == row.tenant_id,
            tables.Performance.character_id == row.id,
            tables.Performance.state.in_(unfinished),
        )
    )
    return found or 0
