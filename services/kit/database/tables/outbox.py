"""Records that were written with the rows they tell of, and wait to be published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from services.kit.database.tables.columns import Counter, Json, Row

__all__ = ["OutboxRow"]


class OutboxRow(Row):
    """One record; `id` gives the order, and is never used twice."""

    __tablename__ = "outbox"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  SQLAlchemy's own interface

    id: Mapped[int] = mapped_column(Counter, primary_key=True)
    topic: Mapped[str]
    key: Mapped[str]
    value: Mapped[bytes]
    headers: Mapped[Mapping[str, str]] = mapped_column(Json)
    created_at: Mapped[datetime]
