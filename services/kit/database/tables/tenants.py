"""Who uses the platform, and by which keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from services.kit.database.tables.columns import Json, Row, of_tenant

__all__ = ["ApiKey", "Tenant"]


class Tenant(Row):
    """A customer, with limits; where a limit is None the platform's own holds."""

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    video_seconds_per_month: Mapped[float | None]
    max_concurrency: Mapped[int | None]
    storage_bytes: Mapped[int | None] = mapped_column(BigInteger)
    requests_per_minute: Mapped[int | None]
    created_at: Mapped[datetime]


class ApiKey(Row):
    """A key of a tenant. The secret is kept only as `secret_hash` (argon2)."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant(ondelete="CASCADE"), index=True)
    name: Mapped[str]
    secret_hash: Mapped[str]
    scopes: Mapped[Sequence[str]] = mapped_column(Json)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
