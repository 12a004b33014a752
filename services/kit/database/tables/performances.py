"""Performances, their clips, and what moderation decided about anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.kit.database.tables.columns import (
    Counter,
    Json,
    JsonObject,
    Row,
    choice,
    of_same_tenant,
    of_tenant,
)

__all__ = ["Clip", "Performance", "PerformanceState", "ScriptState", "SubjectName", "Verdict"]


class PerformanceState(StrEnum):
    """How far a performance is on its way; the last four are its ends."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class ScriptState(StrEnum):
    """What moderation said of the words."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Performance(Row):
    """A job; each update raises `version`, each attempt after a stall `epoch` and `attempts`.

    `source` tells what is said or followed: {"kind": "speech_file" | "speech_url" | "text" |
    "driver_file" | "driver_url", "uri" | "url" | "text", "voice", "language", "media_type"}; it is empty
    where the character only listens. `listen` ("listen_file" | "listen_url") tells in the same way what is
    said to it, if anything is. `directions` are {"start_s", "end_s", "text"}, `warnings` {"code",
    "detail"}; `motion_intensity` is {"face", "body"} where it was asked for. `reserved_s` is what it may
    take of the tenant's seconds of video. `steps_done` of `steps_expected` are told by engines that work for
    long before they show anything. `progressed_at` is the last sign of life of a running one.
    `announced_at` and `announcements` tell when and how often moderation was asked to judge the script.
    """

    __tablename__ = "performances"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        of_same_tenant("character_id", "characters"),
        Index("ix_performances_listing", "tenant_id", "created_at", "id"),
        Index("ix_performances_state", "state", "created_at", "id"),
        Index("ix_performances_character", "tenant_id", "character_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant())
    character_id: Mapped[str]
    version: Mapped[int] = mapped_column()
    state: Mapped[PerformanceState] = mapped_column(choice(PerformanceState))
    epoch: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    engine: Mapped[str]
    size: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[JsonObject] = mapped_column(Json)
    listen: Mapped[JsonObject | None] = mapped_column(Json)
    input_size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    max_duration_s: Mapped[float] = mapped_column(default=0.0)
    reserved_s: Mapped[float] = mapped_column(default=0.0)
    directions: Mapped[Sequence[JsonObject]] = mapped_column(Json, default=list)
    motion_intensity: Mapped[JsonObject | None] = mapped_column(Json)
    extra: Mapped[JsonObject] = mapped_column("metadata", Json, default=dict)
    warnings: Mapped[Sequence[JsonObject]] = mapped_column(Json, default=list)
    script_state: Mapped[ScriptState] = mapped_column(choice(ScriptState), default=ScriptState.PENDING)
    reasons: Mapped[Sequence[JsonObject]] = mapped_column(Json, default=list)
    policy: Mapped[str | None]
    announced_at: Mapped[datetime | None]
    announcements: Mapped[int] = mapped_column(default=0)
    frames_expected: Mapped[int | None]
    frames_done: Mapped[int] = mapped_column(default=0)
    steps_done: Mapped[int | None]
    steps_expected: Mapped[int | None]
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    video_uri: Mapped[str | None]
    video_size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    video_sha256: Mapped[str | None]
    video_frames: Mapped[int | None]
    motion_uri: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    progressed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  SQLAlchemy's own interface


class Clip(Row):
    """A finished piece of a video; the key shows that none was lost or made twice."""

    __tablename__ = "clips"
    __table_args__ = (of_same_tenant("performance_id", "performances", ondelete="CASCADE"),)

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    performance_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uri: Mapped[str]
    first_frame: Mapped[int]
    num_frames: Mapped[int]
    is_final: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class SubjectName(StrEnum):
    """What was judged."""

    CHARACTER = "character"
    PERFORMANCE = "performance"


class Verdict(Row):
    """A decision of moderation, once each; kept when its subject is gone."""

    __tablename__ = "verdicts"
    __table_args__ = (UniqueConstraint("tenant_id", "subject_id", "judged_at"),)

    id: Mapped[int] = mapped_column(Counter, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(of_tenant())
    subject: Mapped[SubjectName] = mapped_column(choice(SubjectName))
    subject_id: Mapped[str]
    is_approved: Mapped[bool]
    reasons: Mapped[Sequence[JsonObject]] = mapped_column(Json)
    policy: Mapped[str]
    judged_at: Mapped[datetime]
    created_at: Mapped[datetime]
