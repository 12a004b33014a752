"""Rows of webhooks: finding the caller's own, secrets, and what clients see."""

from __future__ import annotations

import secrets
from base64 import b64encode
from typing import Any, Final, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.api.call import Call
from services.gateway.api.webhooks.models import Delivery, Endpoint, NewEndpoint
from services.gateway.problems import CONFLICT, NOT_FOUND, Problem
from services.kit.database import tables
from services.kit.ids import Randomness

__all__ = [
    "delivery_of",
    "delivery_row",
    "endpoint_of",
    "endpoint_row",
    "new_endpoint_of",
    "new_secret",
    "require_enabled",
]

_SECRET_BYTES: Final = 24


def new_secret(randomness: Randomness = secrets.token_bytes) -> str:
    """A secret as Standard Webhooks writes them."""
    return "whsec_" + b64encode(randomness(_SECRET_BYTES)).decode()


async def endpoint_row(
    session: AsyncSession, call: Call, endpoint_id: str, *, is_to_change: bool = False
) -> tables.WebhookEndpoint:
    """The row of one of the caller's endpoints. Raises Problem not_found."""
    row = await session.get(tables.WebhookEndpoint, endpoint_id, with_for_update=is_to_change)
    if row is None or row.tenant_id != call.tenant:
        raise Problem(NOT_FOUND, f"no webhook endpoint {endpoint_id}")
    return row


async def delivery_row(
    session: AsyncSession, call: Call, endpoint_id: str, delivery_id: str
) -> tuple[tables.WebhookDelivery, tables.WebhookEvent]:
    """One of the deliveries to one of the caller's endpoints. Raises Problem not_found."""
    found = await session.execute(
        select(tables.WebhookDelivery, tables.WebhookEvent)
        .join(tables.WebhookEvent, tables.WebhookEvent.id == tables.WebhookDelivery.event_id)
        .where(
            tables.WebhookDelivery.tenant_id == call.tenant,
            tables.WebhookDelivery.endpoint_id == endpoint_id,
            tables.WebhookDelivery.id == delivery_id,
        )
    )
    row = found.one_or_none()
    if row is None:
        raise Problem(NOT_FOUND, f"no delivery {delivery_id} to webhook endpoint {endpoint_id}")
    delivery, event = row
    return delivery, event


def require_enabled(endpoint: tables.WebhookEndpoint) -> None:
    """Raise Problem conflict when nothing is sent to an endpoint."""
    if not endpoint.is_enabled:
        raise Problem(CONFLICT, f"webhook endpoint {endpoint.id} is disabled; enable it first")


def endpoint_of(row: tables.WebhookEndpoint) -> Endpoint:
    """An endpoint as clients see it."""
    return Endpoint.model_validate(_endpoint_values(row))


def new_endpoint_of(row: tables.WebhookEndpoint, secret: str | None) -> NewEndpoint:
    """An endpoint with its secret, or in a replay without."""
    return NewEndpoint.model_validate({**_endpoint_values(row), "secret": secret})


def _endpoint_values(row: tables.WebhookEndpoint) -> dict[str, object]:
    return {
        "id": row.id,
        "url": row.url,
        "description": row.description,
        "event_types": row.event_types,
        "is_enabled": row.is_enabled,
        "disabled_reason": row.disabled_reason,
        "previous_secret_expires_at": row.previous_secret_expires_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def delivery_of(row: tables.WebhookDelivery, event: tables.WebhookEvent) -> Delivery:
    """A delivery as clients see it."""
    return Delivery(
        id=row.id,
        webhook_endpoint_id=row.endpoint_id,
        event_id=event.id,
        event_type=event.type,
        data=cast("dict[str, Any]", event.data),  # JSON of our own making
        state=row.state.value,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        last_attempt_at=row.last_attempt_at,
        response_status=row.response_status,
        response_snippet=row.response_snippet,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
