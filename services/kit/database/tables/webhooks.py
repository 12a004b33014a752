"""Where events are sent to, the events, and each sending."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.kit.database.tables.columns import Json, JsonObject, Row, choice, of_same_tenant, of_tenant

__all__ = ["DeliveryState", "WebhookDelivery", "WebhookEndpoint", "WebhookEvent"]


class WebhookEndpoint(Row):
    """An address of a tenant. No `event_types` are all of them.

    `secret` signs; `previous_secret` signs as well until `previous_secret_expires_at`.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index("ix_webhook_endpoints_listing", "tenant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant())
    version: Mapped[int] = mapped_column()
    url: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    event_types: Mapped[Sequence[str]] = mapped_column(Json, default=list)
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    previous_secret_expires_at: Mapped[datetime | None]
    is_enabled: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  SQLAlchemy's own interface


class WebhookEvent(Row):
    """Something that happened; `id` is the webhook-id of every delivery of it."""

    __tablename__ = "webhook_events"
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant())
    type: Mapped[str]
    data: Mapped[JsonObject] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(index=True)


class DeliveryState(StrEnum):
    """How far a delivery is on its way."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


class WebhookDelivery(Row):
    """The sending of one event to one endpoint, with the last answer."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        of_same_tenant("event_id", "webhook_events", ondelete="CASCADE"),
        of_same_tenant("endpoint_id", "webhook_endpoints", ondelete="CASCADE"),
        Index("ix_webhook_deliveries_due", "state", "next_attempt_at"),
        Index("ix_webhook_deliveries_listing", "tenant_id", "endpoint_id", "id"),
        Index("ix_webhook_deliveries_event", "tenant_id", "event_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant())
    event_id: Mapped[str]
    endpoint_id: Mapped[str]
    state: Mapped[DeliveryState] = mapped_column(choice(DeliveryState))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    response_status: Mapped[int | None]
    response_snippet: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
