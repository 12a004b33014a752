"""What the columns of all tables are made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["Counter", "Instant", "Json", "JsonObject", "Row", "choice", "of_same_tenant", "of_tenant"]

# Read-only, because a change inside of a stored value would not be noticed: assign a new one.
JsonObject: TypeAlias = Mapping[str, object]

EnumT = TypeVar("EnumT", bound=StrEnum)

_NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """A moment, aware and in UTC on both sides; SQLite keeps it without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone, expected an aware instant")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


Json: Final = JSON().with_variant(JSONB(), "postgresql")
# SQLite numbers rows only in a column of the type INTEGER.
Counter: Final = BigInteger().with_variant(Integer(), "sqlite")


def choice(kind: type[EnumT]) -> TypeEngine[EnumT]:
    """A column of one of some words, which the database checks."""
    column = Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=16,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )
    return cast(TypeEngine[EnumT], column)


# References are checked at the commit, so that rows may be added in any order.


def of_tenant(*, ondelete: str | None = None) -> ForeignKey:
    """The reference of a column to the tenant it names."""
    return ForeignKey("tenants.id", ondelete=ondelete, deferrable=True, initially="DEFERRED")


def of_same_tenant(column: str, table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """The reference of a column to a row of `table` that has the same tenant, and no other."""
    return ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{table}.tenant_id", f"{table}.id"],
        ondelete=ondelete,
        deferrable=True,
        initially="DEFERRED",
    )


class Row(DeclarativeBase):
    """A row of some table."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy's own interface
        datetime: Instant,
        str: Text,
    }
