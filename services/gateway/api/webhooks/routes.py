"""`/v1/webhook_endpoints`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.api.bodies import json_body
from services.gateway.api.call import Call, caller
from services.gateway.api.etags import etag_of, representation, require_match
from services.gateway.api.idempotency import Answer, IdempotencyHeader, answer_once
from services.gateway.api.openapi import BODY_PROBLEMS, KEY_PROBLEMS, NOT_MODIFIED, json_request, refusals
from services.gateway.api.pagination import Page, Paging, paging
from services.gateway.api.webhooks.models import (
    Endpoint,
    EndpointId,
    EndpointIn,
    EndpointPatch,
    NewEndpoint,
)
from services.gateway.api.webhooks.rows import endpoint_of, endpoint_row, new_endpoint_of, new_secret
from services.gateway.problems import CONFLICT, NOT_FOUND, PRECONDITION_FAILED, Problem
from services.kit.database import tables
from services.kit.database.database import serialise
from services.kit.database.events import cancel_deliveries

__all__ = ["router"]

_MOST_ENDPOINTS: Final = 50
# How long receivers have to learn a new secret.
_OVERLAP: Final = timedelta(hours=24)
_BY_OWNER: Final = "owner"
_EXAMPLE: Final = {
    "url": "https://hooks.example.com/dramatis",
    "description": "Production",
    "event_types": ["performance.succeeded", "performance.failed"],
}

router: Final = APIRouter(prefix="/v1/webhook_endpoints", tags=["webhooks"])

Reading = Annotated[Call, caller("webhooks:read")]
Writing = Annotated[Call, caller("webhooks:write")]


@router.post(
    "",
    status_code=201,
    response_model=NewEndpoint,
    openapi_extra=json_request(EndpointIn, example=_EXAMPLE),
    responses=refusals(*BODY_PROBLEMS, CONFLICT),
)
async def create_webhook_endpoint(
    call: Writing, asked: Annotated[EndpointIn, json_body(EndpointIn)], key: IdempotencyHeader = None
) -> Response:
    """Have events sent to an address. The secret is shown only here."""
    row = _new_row(call, asked)

    async def work(session: AsyncSession) -> Answer:
        await _require_room(session, call)
        session.add(row)
        await session.flush()
        return Answer(
            status=201,
            body=new_endpoint_of(row, row.secret),
            headers={"Location": f"/v1/webhook_endpoints/{row.id}"},
            replay=new_endpoint_of(row, None),
        )

    return await answer_once(call, key, work)


@router.get("", response_model=Page[Endpoint], responses=refusals())
async def list_webhook_endpoints(call: Reading, page: Annotated[Paging, Depends(paging)]) -> Response:
    """The endpoints, the newest first."""
    query = (
        select(tables.WebhookEndpoint)
        .where(
            tables.WebhookEndpoint.tenant_id == call.tenant,
            tables.WebhookEndpoint.id < page.before("whe_"),
        )
        .order_by(tables.WebhookEndpoint.id.desc())
        .limit(page.limit + 1)
    )
    async with call.read() as session:
        rows = (await session.scalars(query)).all()
    answer = Page(
        data=[endpoint_of(row) for row in rows[: page.limit]],
        has_more=len(rows) > page.limit,
        next_cursor=page.next_cursor([row.id for row in rows]),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/{endpoint_id}", response_model=Endpoint, responses={**NOT_MODIFIED, **refusals(NOT_FOUND)})
async def get_webhook_endpoint(call: Reading, endpoint_id: EndpointId) -> Response:
    """One endpoint, without its secret."""
    async with call.read() as session:
        row = await endpoint_row(session, call, endpoint_id)
    return representation(call.request, endpoint_of(row))


@router.patch(
    "/{endpoint_id}",
    response_model=Endpoint,
    openapi_extra=json_request(EndpointPatch, example={"is_enabled": False}),
    responses=refusals(*BODY_PROBLEMS, NOT_FOUND, PRECONDITION_FAILED),
)
async def change_webhook_endpoint(
    call: Writing, endpoint_id: EndpointId, asked: Annotated[EndpointPatch, json_body(EndpointPatch)]
) -> Response:
    """Change an endpoint, or disable or enable it."""
    async with call.begin() as session:
        row = await endpoint_row(session, call, endpoint_id, is_to_change=True)
        _require_match(call, row)
        await _change(session, call, row, asked)
        content = endpoint_of(row).model_dump_json().encode()
    return Response(content, media_type="application/json", headers={"ETag": etag_of(content)})


@router.delete("/{endpoint_id}", status_code=204, responses=refusals(NOT_FOUND, PRECONDITION_FAILED))
async def delete_webhook_endpoint(call: Writing, endpoint_id: EndpointId) -> Response:
    """Delete an endpoint with its deliveries."""
    async with call.begin() as session:
        row = await endpoint_row(session, call, endpoint_id, is_to_change=True)
        _require_match(call, row)
        await session.delete(row)
    return Response(status_code=204)


@router.post(
    "/{endpoint_id}/rotate",
    response_model=NewEndpoint,
    responses=refusals(*KEY_PROBLEMS, NOT_FOUND, PRECONDITION_FAILED),
)
async def rotate_webhook_secret(
    call: Writing, endpoint_id: EndpointId, key: IdempotencyHeader = None
) -> Response:
    """Give an endpoint a new secret, shown only here. For 24 hours the present one signs as well."""

    async def work(session: AsyncSession) -> Answer:
        row = await endpoint_row(session, call, endpoint_id, is_to_change=True)
        _require_match(call, row)
        row.previous_secret, row.secret = row.secret, new_secret()
        row.previous_secret_expires_at = call.now + _OVERLAP
        row.updated_at = call.now
        await session.flush()
        return Answer(status=200, body=new_endpoint_of(row, row.secret), replay=new_endpoint_of(row, None))

    return await answer_once(call, key, work)


def _new_row(call: Call, asked: EndpointIn) -> tables.WebhookEndpoint:
    return tables.WebhookEndpoint(
        id=call.gateway.new_id("whe"),
        tenant_id=call.tenant,
        url=asked.url,
        description=asked.description,
        event_types=sorted(set(asked.event_types)),
        secret=new_secret(),
        is_enabled=True,
        created_at=call.now,
        updated_at=call.now,
    )


async def _require_room(session: AsyncSession, call: Call) -> None:
    await serialise(session, f"webhook_endpoints/{call.tenant}")
    number = await session.scalar(select(func.count()).where(tables.WebhookEndpoint.tenant_id == call.tenant))
    if (number or 0) >= _MOST_ENDPOINTS:
        raise Problem(CONFLICT, f"there are {number} webhook endpoints, at most {_MOST_ENDPOINTS} may be")


def _require_match(call: Call, row: tables.WebhookEndpoint) -> None:
    require_match(call.request, etag_of(endpoint_of(row).model_dump_json().encode()))


async def _change(
    session: AsyncSession, call: Call, row: tables.WebhookEndpoint, asked: EndpointPatch
) -> None:
    if asked.url is not None:
        row.url = asked.url
    if asked.description is not None:
        row.description = asked.description
    if asked.event_types is not None:
        row.event_types = sorted(set(asked.event_types))
    if asked.is_enabled is not None and asked.is_enabled != row.is_enabled:
        row.is_enabled = asked.is_enabled
        row.disabled_reason = None if asked.is_enabled else _BY_OWNER
        if not asked.is_enabled:
            await cancel_deliveries(session, row, call.now)
    row.updated_at = call.now
