"""Characters, and the further pictures of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.kit.database.tables.columns import Json, JsonObject, Row, choice, of_same_tenant, of_tenant

__all__ = ["Character", "CharacterState", "ConsentName", "Reference"]


class CharacterState(StrEnum):
    """How far a character is on its way."""

    PENDING = "pending"
    PREPARING = "preparing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"


class ConsentName(StrEnum):
    """Why the face may be used."""

    SELF = "self"
    LICENSED = "licensed"
    SYNTHETIC = "synthetic"


class Character(Row):
    """An identity; each update raises `version`. `face` 0 expects that the portrait shows only one.

    `announced_at` and `announcements` tell when and how often moderation was asked to judge it.
    `deleted_at` hides it while its blobs are on the way out.
    """

    __tablename__ = "characters"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index("ix_characters_listing", "tenant_id", "created_at", "id"),
        Index("ix_characters_state", "state", "announced_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant())
    version: Mapped[int] = mapped_column()
    name: Mapped[str] = mapped_column(default="")
    state: Mapped[CharacterState] = mapped_column(choice(CharacterState))
    face: Mapped[int] = mapped_column(default=0)
    num_faces: Mapped[int | None]
    portrait_uri: Mapped[str]
    portrait_media_type: Mapped[str]
    portrait_size_bytes: Mapped[int] = mapped_column(BigInteger)
    portrait_sha256: Mapped[str] = mapped_column(default="")
    identity_uri: Mapped[str | None]
    consent_kind: Mapped[ConsentName] = mapped_column(choice(ConsentName))
    consent_granted_by: Mapped[str]
    consent_granted_at: Mapped[datetime]
    reasons: Mapped[Sequence[JsonObject]] = mapped_column(Json, default=list)
    policy: Mapped[str | None]
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    extra: Mapped[JsonObject] = mapped_column("metadata", Json, default=dict)
    announced_at: Mapped[datetime | None]
    announcements: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  SQLAlchemy's own interface


class Reference(Row):
    """A further picture of a character, in a `role`: a view of the body, an expression, ..."""

    __tablename__ = "character_references"
    __table_args__ = (
        of_same_tenant("character_id", "characters", ondelete="CASCADE"),
        Index("ix_character_references_listing", "tenant_id", "character_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    character_id: Mapped[str]
    role: Mapped[str]
    uri: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
