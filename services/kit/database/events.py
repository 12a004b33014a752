"""What happened, for webhooks: an event, and its delivery to every endpoint that wants it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.database.tables import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent
from services.kit.ids import new_id

__all__ = [
    "EVENT_TYPES",
    "TEST_TYPE",
    "THRESHOLD_TYPE",
    "cancel_deliveries",
    "record_event",
    "record_test",
    "redeliver",
]

THRESHOLD_TYPE: Final = "usage.threshold"
# Sent to one endpoint, when its owner asks for it.
TEST_TYPE: Final = "webhook.test"
# What an endpoint may choose from.
EVENT_TYPES: Final = (
    "character.failed",
    "character.ready",
    "character.rejected",
    "performance.cancelled",
    "performance.failed",
    "performance.processing",
    "performance.rejected",
    "performance.succeeded",
    THRESHOLD_TYPE,
)


async def record_event(
    session: AsyncSession, tenant_id: str, event_type: str, data: Mapping[str, object], now: datetime
) -> None:
    """Add an event and its deliveries to the caller's transaction; nothing when no endpoint wants it."""
    endpoints = await session.scalars(
        select(WebhookEndpoint).where(
            WebhookEndpoint.tenant_id == tenant_id, WebhookEndpoint.is_enabled.is_(True)
        )
    )
    wanting = [each for each in endpoints if not each.event_types or event_type in each.event_types]
    if not wanting:
        return
    event = await _add_event(session, tenant_id, event_type, data, now)
    for endpoint in wanting:
        _add_delivery(session, event.id, endpoint, now)


async def record_test(session: AsyncSession, endpoint: WebhookEndpoint, now: datetime) -> WebhookDelivery:
    """Send `webhook.test` to one endpoint, whatever it chose."""
    data = {"webhook_endpoint_id": endpoint.id}
    event = await _add_event(session, endpoint.tenant_id, TEST_TYPE, data, now)
    return _add_delivery(session, event.id, endpoint, now)


def redeliver(
    session: AsyncSession, delivery: WebhookDelivery, endpoint: WebhookEndpoint, now: datetime
) -> WebhookDelivery:
    """Send the event of a delivery again, with all attempts anew and the same webhook-id."""
    return _add_delivery(session, delivery.event_id, endpoint, now)


async def cancel_deliveries(session: AsyncSession, endpoint: WebhookEndpoint, now: datetime) -> None:
    """Give up what an endpoint that was disabled has not got yet."""
    await session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.tenant_id == endpoint.tenant_id,
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.state == DeliveryState.PENDING,
        )
        .values(
            state=DeliveryState.CANCELLED,
            error="the endpoint was disabled",
            next_attempt_at=None,
            leased_until=None,
            finished_at=now,
        )
    )


async def _add_event(
    session: AsyncSession, tenant_id: str, event_type: str, data: Mapping[str, object], now: datetime
) -> WebhookEvent:
    event = WebhookEvent(
        id=new_id("evt", now), tenant_id=tenant_id, type=event_type, data=dict(data), created_at=now
    )
    session.add(event)
    await session.flush()
    return event


def _add_delivery(
    session: AsyncSession, event_id: str, endpoint: WebhookEndpoint, now: datetime
) -> WebhookDelivery:
    delivery = WebhookDelivery(
        id=new_id("whd", now),
        tenant_id=endpoint.tenant_id,
        event_id=event_id,
        endpoint_id=endpoint.id,
        state=DeliveryState.PENDING,
        attempts=0,
        next_attempt_at=now,
        created_at=now,
    )
    session.add(delivery)
    return delivery
