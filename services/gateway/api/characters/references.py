"""`/v1/characters/{id}/references`: further views of a character."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.api.call import Call, caller
from services.gateway.api.characters.inputs import Picture, picture_request, read_picture
from services.gateway.api.characters.models import Reference, ReferenceIn
from services.gateway.api.characters.routes import character_row
from services.gateway.api.characters.views import reference_of
from services.gateway.api.etags import representation
from services.gateway.api.idempotency import Answer, IdempotencyHeader, answer_once
from services.gateway.api.openapi import BODY_PROBLEMS, NOT_MODIFIED, refusals
from services.gateway.api.pagination import Page, Paging, paging
from services.gateway.api.quotas import require_storage
from services.gateway.api.stores import stored
from services.gateway.api.values import CharacterId, ReferenceId
from services.gateway.problems import NOT_FOUND, QUOTA_EXCEEDED, Problem
from services.kit.database import tables

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1/characters/{character_id}/references", tags=["characters"])

Reading = Annotated[Call, caller("characters:read")]
Writing = Annotated[Call, caller("characters:write")]


@router.post(
    "",
    status_code=201,
    response_model=Reference,
    openapi_extra=picture_request(ReferenceIn, "picture"),
    responses=refusals(*BODY_PROBLEMS, NOT_FOUND, QUOTA_EXCEEDED),
)
async def create_reference(
    call: Writing, character_id: CharacterId, key: IdempotencyHeader = None
) -> Response:
    """Add a further view. Today's engine keeps it and does not use it yet."""
    async with call.read() as session:
        await character_row(session, call, character_id)
    async with read_picture(call.request, "picture", ReferenceIn) as picture:
        row = _new_row(call, character_id, picture)

        async def work(session: AsyncSession) -> Answer:
            await character_row(session, call, character_id, is_to_change=True)
            await require_storage(session, call, picture.upload.size_bytes)
            session.add(row)
            await session.flush()
            headers = {"Location": f"/v1/characters/{character_id}/references/{row.id}"}
            return Answer(status=201, body=reference_of(row), headers=headers)

        around = stored(call.gateway.blobs, [picture.stored_at(row.uri)])
        return await answer_once(call, key, work, around)


@router.get("", response_model=Page[Reference], responses=refusals(NOT_FOUND))
async def list_references(
    call: Reading, character_id: CharacterId, page: Annotated[Paging, Depends(paging)]
) -> Response:
    """The further views of a character, the newest first."""
    query = select(tables.Reference).where(
        tables.Reference.tenant_id == call.tenant,
        tables.Reference.character_id == character_id,
        tables.Reference.id < page.before("ref_"),
    )
    async with call.read() as session:
        await character_row(session, call, character_id)
        rows = (await session.scalars(query.order_by(tables.Reference.id.desc()).limit(page.limit + 1))).all()
    answer = Page(
        data=[reference_of(row) for row in rows[: page.limit]],
        has_more=len(rows) > page.limit,
        next_cursor=page.next_cursor([row.id for row in rows]),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/{reference_id}", response_model=Reference, responses={**NOT_MODIFIED, **refusals(NOT_FOUND)})
async def get_reference(call: Reading, character_id: CharacterId, reference_id: ReferenceId) -> Response:
    """One further view."""
    async with call.read() as session:
        row = await _reference_row(session, call, character_id, reference_id)
    return representation(call.request, reference_of(row))


@router.delete("/{reference_id}", status_code=204, responses=refusals(NOT_FOUND))
async def delete_reference(call: Writing, character_id: CharacterId, reference_id: ReferenceId) -> Response:
    """Delete a further view."""
    async with call.begin() as session:
        row = await _reference_row(session, call, character_id, reference_id)
        session.add(
            tables.BlobDeletion(tenant_id=call.tenant, prefix=row.uri, due_at=call.now, created_at=call.now)
        )
        await session.delete(row)
    return Response(status_code=204)


async def _reference_row(
    session: AsyncSession, call: Call, character_id: str, reference_id: str
) -> tables.Reference:
    await character_row(session, call, character_id)
    row = await session.get(tables.Reference, reference_id)
    if row is None or row.tenant_id != call.tenant or row.character_id != character_id:
        raise Problem(NOT_FOUND, f"no reference {reference_id}")
    return row


def _new_row(call: Call, character_id: str, picture: Picture[ReferenceIn]) -> tables.Reference:
    reference_id = call.gateway.new_id("ref")
    return tables.Reference(
        id=reference_id,
        tenant_id=call.tenant,
        character_id=character_id,
        role=picture.asked.kind,
        uri=f"{call.tenant}/characters/{character_id}/references/{reference_id}",
        media_type=picture.media_type,
        size_bytes=picture.upload.size_bytes,
        sha256=picture.upload.sha256,
        created_at=call.now,
    )
