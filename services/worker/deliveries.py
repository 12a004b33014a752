"""The rows of deliveries: claiming those that are due, and noting what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.database.database import Database
from services.kit.database.events import cancel_deliveries
from services.kit.database.tables import (
    DeliveryState,
    JsonObject,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from services.worker.domain.delivery import Answer, Outcome, Verdict

__all__ = ["Claim", "claim_due", "note"]

_GONE: Final = "gone"
_STATES: Final = {
    Outcome.DELIVERED: DeliveryState.DELIVERED,
    Outcome.EXHAUSTED: DeliveryState.EXHAUSTED,
    Outcome.GONE: DeliveryState.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that is ours until `leased_until`, with everything that has to be sent."""

    delivery_id: str
    tenant: str
    endpoint_id: str
    attempt: int
    leased_until: datetime
    url: str
    secrets: Sequence[str]
    event_id: str
    event_type: str
    occurred_at: datetime
    data: JsonObject


async def claim_due(
    database: Database,
    now: datetime,
    lease: timedelta,
    *,
    limit: int,
    per_endpoint: int,
    busy: Mapping[str, int],
) -> list[Claim]:
    """Claim up to `limit` due deliveries, the longest due first, and count the attempt.

    No endpoint gets more than `per_endpoint`, less the `busy` deliveries that it has at this moment: a slow
    receiver does not hold up the others. A claim whose worker is lost is due again when its lease ends.
    """
    full = [endpoint_id for endpoint_id, count in busy.items() if count >= per_endpoint]
    async with database.read() as session:
        due = await _find_due(session, now, limit, per_endpoint, full)
    if not due:
        return []
    counts = Counter(busy)
    claims = []
    async with database.begin() as session:
        for delivery in await _lock(session, due, now):
            counts[delivery.endpoint_id] += 1
            if counts[delivery.endpoint_id] <= per_endpoint:
                claims.append(await _claim(session, delivery, now, now + lease))
    return claims


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(
        WebhookDelivery.state == DeliveryState.PENDING,
        WebhookDelivery.next_attempt_at <= now,
        or_(WebhookDelivery.leased_until.is_(None), WebhookDelivery.leased_until <= now),
    )


async def _find_due(
    session: AsyncSession, now: datetime, limit: int, per_endpoint: int, full: Collection[str]
) -> Sequence[str]:
    place = func.row_number().over(
        partition_by=WebhookDelivery.endpoint_id, order_by=WebhookDelivery.next_attempt_at
    )
    numbered = (
        select(WebhookDelivery.id, WebhookDelivery.next_attempt_at, place.label("place"))
        .where(_is_due(now), WebhookDelivery.endpoint_id.not_in(full))
        .subquery()
    )
    found = await session.scalars(
        select(numbered.c.id)
        .where(numbered.c.place <= per_endpoint)
        .order_by(numbered.c.next_attempt_at)
        .limit(limit)
    )
    return found.all()


async def _lock(session: AsyncSession, ids: Sequence[str], now: datetime) -> Sequence[WebhookDelivery]:
    """Those that no other worker has claimed meanwhile."""
    found = await session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.id.in_(ids), _is_due(now))
        .order_by(WebhookDelivery.next_attempt_at)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def _claim(
    session: AsyncSession, delivery: WebhookDelivery, now: datetime, leased_until: datetime
) -> Claim:
    endpoint = await session.get_one(WebhookEndpoint, delivery.endpoint_id)
    event = await session.get_one(WebhookEvent, delivery.event_id)
    delivery.attempts += 1
    delivery.last_attempt_at = now
    delivery.leased_until = leased_until
    return Claim(
        delivery_id=delivery.id,
        tenant=delivery.tenant_id,
        endpoint_id=endpoint.id,
        attempt=delivery.attempts,
        leased_until=leased_until,
        url=endpoint.url,
        secrets=_secrets_of(endpoint, now),
        event_id=event.id,
        event_type=event.type,
        occurred_at=event.created_at,
        data=event.data,
    )


def _secrets_of(endpoint: WebhookEndpoint, now: datetime) -> Sequence[str]:
    expires_at = endpoint.previous_secret_expires_at
    if endpoint.previous_secret is None or expires_at is None or expires_at <= now:
        return (endpoint.secret,)
    return (endpoint.secret, endpoint.previous_secret)


async def note(session: AsyncSession, claim: Claim, answer: Answer, verdict: Verdict, now: datetime) -> None:
    """Write down what became of an attempt, unless the delivery is gone or somebody else's by now."""
    delivery = await session.get(WebhookDelivery, claim.delivery_id, with_for_update=True)
    if delivery is None or delivery.leased_until != claim.leased_until:
        return
    delivery.leased_until = None
    delivery.response_status = answer.status
    delivery.response_snippet = answer.snippet or None
    delivery.error = answer.error or None
    delivery.next_attempt_at = verdict.next_attempt_at
    if verdict.outcome is Outcome.RETRY:
        return
    delivery.state = _STATES[verdict.outcome]
    delivery.finished_at = now
    if verdict.outcome is Outcome.GONE:
        await session.flush()
        await _disable(session, claim, now)


async def _disable(session: AsyncSession, claim: Claim, now: datetime) -> None:
    endpoint = await session.get(WebhookEndpoint, claim.endpoint_id, with_for_update=True)
    if endpoint is None or endpoint.url != claim.url:
        return
    endpoint.is_enabled = False
    endpoint.disabled_reason = _GONE
    endpoint.updated_at = now
    await cancel_deliveries(session, endpoint, now)
