"""What is sent to an endpoint: `/v1/webhook_endpoints/{id}/deliveries` and `/test`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.api.call import Call, caller
from services.gateway.api.etags import representation
from services.gateway.api.idempotency import Answer, IdempotencyHeader, answer_once
from services.gateway.api.openapi import KEY_PROBLEMS, NOT_MODIFIED, refusals
from services.gateway.api.pagination import Page, Paging, paging
from services.gateway.api.webhooks.models import Delivery, DeliveryId, DeliveryState, EndpointId
from services.gateway.api.webhooks.rows import delivery_of, delivery_row, endpoint_row, require_enabled
from services.gateway.problems import CONFLICT, NOT_FOUND
from services.kit.database import tables
from services.kit.database.events import record_test, redeliver

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1/webhook_endpoints/{endpoint_id}", tags=["webhooks"])

Reading = Annotated[Call, caller("webhooks:read")]
Writing = Annotated[Call, caller("webhooks:write")]


@router.post(
    "/test",
    status_code=202,
    response_model=Delivery,
    responses=refusals(*KEY_PROBLEMS, CONFLICT, NOT_FOUND),
)
async def send_test_webhook(
    call: Writing, endpoint_id: EndpointId, key: IdempotencyHeader = None
) -> Response:
    """Send `webhook.test` to an endpoint."""

    async def work(session: AsyncSession) -> Answer:
        endpoint = await endpoint_row(session, call, endpoint_id, is_to_change=True)
        require_enabled(endpoint)
        delivery = await record_test(session, endpoint, call.now)
        event = await session.get_one(tables.WebhookEvent, delivery.event_id)
        return _accepted(delivery, event)

    return await answer_once(call, key, work)


@router.get("/deliveries", response_model=Page[Delivery], responses=refusals(NOT_FOUND))
async def list_webhook_deliveries(
    call: Reading,
    endpoint_id: EndpointId,
    page: Annotated[Paging, Depends(paging)],
    state: Annotated[DeliveryState | None, Query(description="Only those in this state")] = None,
) -> Response:
    """What was and is sent to an endpoint, the newest first."""
    query = (
        select(tables.WebhookDelivery, tables.WebhookEvent)
        .join(tables.WebhookEvent, tables.WebhookEvent.id == tables.WebhookDelivery.event_id)
        .where(
            tables.WebhookDelivery.tenant_id == call.tenant,
            tables.WebhookDelivery.endpoint_id == endpoint_id,
            tables.WebhookDelivery.id < page.before("whd_"),
        )
        .order_by(tables.WebhookDelivery.id.desc())
        .limit(page.limit + 1)
    )
    if state is not None:
        query = query.where(tables.WebhookDelivery.state == state)
    async with call.read() as session:
        await endpoint_row(session, call, endpoint_id)
        rows = (await session.execute(query)).all()
    answer = Page(
        data=[delivery_of(delivery, event) for delivery, event in rows[: page.limit]],
        has_more=len(rows) > page.limit,
        next_cursor=page.next_cursor([delivery.id for delivery, _ in rows]),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get(
    "/deliveries/{delivery_id}",
    response_model=Delivery,
    responses={**NOT_MODIFIED, **refusals(NOT_FOUND)},
)
async def get_webhook_delivery(call: Reading, endpoint_id: EndpointId, delivery_id: DeliveryId) -> Response:
    """One delivery."""
    async with call.read() as session:
        row, event = await delivery_row(session, call, endpoint_id, delivery_id)
    return representation(call.request, delivery_of(row, event))


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    response_model=Delivery,
    responses=refusals(*KEY_PROBLEMS, CONFLICT, NOT_FOUND),
)
async def redeliver_webhook(
    call: Writing, endpoint_id: EndpointId, delivery_id: DeliveryId, key: IdempotencyHeader = None
) -> Response:
    """Send the event of a delivery again, as a new delivery with the same `webhook-id`."""

    async def work(session: AsyncSession) -> Answer:
        endpoint = await endpoint_row(session, call, endpoint_id, is_to_change=True)
        earlier, event = await delivery_row(session, call, endpoint_id, delivery_id)
        require_enabled(endpoint)
        return _accepted(redeliver(session, earlier, endpoint, call.now), event)

    return await answer_once(call, key, work)


def _accepted(delivery: tables.WebhookDelivery, event: tables.WebhookEvent) -> Answer:
    location = f"/v1/webhook_endpoints/{delivery.endpoint_id}/deliveries/{delivery.id}"
    return Answer(status=202, body=delivery_of(delivery, event), headers={"Location": location})
