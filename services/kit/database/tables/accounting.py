"""What tenants used, and what has still to be removed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.kit.database.tables.columns import Counter, Row, of_tenant

__all__ = ["BlobDeletion", "UsageDay", "UsageNotice", "UsageRecord"]


class UsageRecord(Row):
    """The seconds of video of one finished performance, once; kept when the performance is gone."""

    __tablename__ = "usage_records"
    __table_args__ = (Index("ix_usage_records_listing", "tenant_id", "created_at"),)

    performance_id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant())
    video_s: Mapped[float]
    created_at: Mapped[datetime]


class UsageDay(Row):
    """The sums of one day (UTC)."""

    __tablename__ = "usage_days"

    tenant_id: Mapped[str] = mapped_column(of_tenant(), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    video_s: Mapped[float]
    performances: Mapped[int]


class UsageNotice(Row):
    """A threshold of a month ("2026-11") of which the tenant was told, once."""

    __tablename__ = "usage_notices"

    tenant_id: Mapped[str] = mapped_column(of_tenant(), primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    percent: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime]


class BlobDeletion(Row):
    """Blobs under a prefix that are to go at `due_at`."""

    __tablename__ = "blob_deletions"

    id: Mapped[int] = mapped_column(Counter, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant())
    prefix: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
