"""Requests that were made with an idempotency key, and their answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from services.kit.database.tables.columns import Json, JsonObject, Row, of_tenant

__all__ = ["IdempotencyKey"]


class IdempotencyKey(Row):
    """A request under way (`status` None, until `lease_until`), or its answer until `expires_at`."""

    __tablename__ = "idempotency_keys"

    tenant_id: Mapped[str] = mapped_column(of_tenant(ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    lease_token: Mapped[str]
    lease_until: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[JsonObject | None] = mapped_column(Json)
    body: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
