"""`/v1/api_keys`."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.api.bodies import json_body
from services.gateway.api.call import Call, caller
from services.gateway.api.etags import representation
from services.gateway.api.idempotency import Answer, IdempotencyHeader, answer_once
from services.gateway.api.keys.models import Key, KeyId, KeyIn, NewKey
from services.gateway.api.openapi import BODY_PROBLEMS, NOT_MODIFIED, json_request, refusals
from services.gateway.api.pagination import Page, Paging, paging
from services.gateway.problems import CONFLICT, MISSING_SCOPE, NOT_FOUND, Problem
from services.kit.database import tables
from services.kit.keys import issue, permits

__all__ = ["router"]

_EXAMPLE: Final = {
    "name": "Build server",
    "scopes": ["performances:read", "performances:write"],
    "expires_in_days": 90,
}

router: Final = APIRouter(prefix="/v1/api_keys", tags=["keys"])

Reading = Annotated[Call, caller("keys:read")]
Writing = Annotated[Call, caller("keys:write")]


@router.post(
    "",
    status_code=201,
    response_model=NewKey,
    openapi_extra=json_request(KeyIn, example=_EXAMPLE),
    responses=refusals(*BODY_PROBLEMS),
)
async def create_api_key(
    call: Writing, asked: Annotated[KeyIn, json_body(KeyIn)], key: IdempotencyHeader = None
) -> Response:
    """Make a key that permits no more than the one that asks for it. Its token is shown only here."""
    for scope in asked.scopes:
        if not permits(call.scopes, scope):
            raise Problem(MISSING_SCOPE, f"the API key lacks the scope {scope}, so it cannot give it")
    key_id = call.gateway.new_id("key")
    issued = await asyncio.to_thread(issue, key_id)
    row = _new_row(call, asked, key_id, issued.secret_hash)

    async def work(session: AsyncSession) -> Answer:
        session.add(row)
        await session.flush()
        shown = _values(row, call.now)
        return Answer(
            status=201,
            body=NewKey.model_validate({**shown, "token": issued.token}),
            headers={"Location": f"/v1/api_keys/{row.id}"},
            replay=NewKey.model_validate({**shown, "token": None}),
        )

    return await answer_once(call, key, work)


@router.get("", response_model=Page[Key], responses=refusals())
async def list_api_keys(call: Reading, page: Annotated[Paging, Depends(paging)]) -> Response:
    """The keys, the newest first; also those that are expired or revoked."""
    query = (
        select(tables.ApiKey)
        .where(tables.ApiKey.tenant_id == call.tenant, tables.ApiKey.id < page.before("key_"))
        .order_by(tables.ApiKey.id.desc())
        .limit(page.limit + 1)
    )
    async with call.read() as session:
        rows = (await session.scalars(query)).all()
    answer = Page(
        data=[Key.model_validate(_values(row, call.now)) for row in rows[: page.limit]],
        has_more=len(rows) > page.limit,
        next_cursor=page.next_cursor([row.id for row in rows]),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/{key_id}", response_model=Key, responses={**NOT_MODIFIED, **refusals(NOT_FOUND)})
async def get_api_key(call: Reading, key_id: KeyId) -> Response:
    """One key, without its secret."""
    async with call.read() as session:
        row = await _row(session, call, key_id)
    return representation(call.request, Key.model_validate(_values(row, call.now)))


@router.delete("/{key_id}", status_code=204, responses=refusals(NOT_FOUND, CONFLICT))
async def revoke_api_key(call: Writing, key_id: KeyId) -> Response:
    """Revoke a key: it opens nothing from now on. To revoke it again changes nothing."""
    if key_id == call.key_id:
        raise Problem(CONFLICT, "a key cannot revoke itself; use another one")
    async with call.begin() as session:
        row = await _row(session, call, key_id)
        if row.revoked_at is None:
            row.revoked_at = call.now
    return Response(status_code=204)


async def _row(session: AsyncSession, call: Call, key_id: str) -> tables.ApiKey:
    row = await session.get(tables.ApiKey, key_id)
    if row is None or row.tenant_id != call.tenant:
        raise Problem(NOT_FOUND, f"no API key {key_id}")
    return row


def _new_row(call: Call, asked: KeyIn, key_id: str, secret_hash: str) -> tables.ApiKey:
    expires_at = None
    if asked.expires_in_days is not None:
        expires_at = call.now + timedelta(days=asked.expires_in_days)
    return tables.ApiKey(
        id=key_id,
        tenant_id=call.tenant,
        name=asked.name,
        secret_hash=secret_hash,
        scopes=sorted(set(asked.scopes)),
        created_at=call.now,
        expires_at=expires_at,
    )


def _values(row: tables.ApiKey, now: datetime) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes,
        "state": _state(row, now),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }


def _state(row: tables.ApiKey, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"
