"""The first tables of the platform."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT: Final = sa.DateTime(timezone=True)
JSON: Final = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
COUNTER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_outbox()
    _create_tenants()
    _create_api_keys()
    _create_blob_deletions()
    _create_characters()
    _create_idempotency_keys()
    _create_usage_days()
    _create_usage_notices()
    _create_usage_records()
    _create_verdicts()
    _create_webhook_endpoints()
    _create_webhook_events()
    _create_character_references()
    _create_performances()
    _create_webhook_deliveries()
    _create_clips()


def downgrade() -> None:
    for name in (
        "clips",
        "webhook_deliveries",
        "performances",
        "character_references",
        "webhook_events",
        "webhook_endpoints",
        "verdicts",
        "usage_records",
        "usage_notices",
        "usage_days",
        "idempotency_keys",
        "characters",
        "blob_deletions",
        "api_keys",
        "tenants",
        "outbox",
    ):
        op.drop_table(name)


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=16)


def _tenant(table: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"],
        ["tenants.id"],
        name=op.f(f"fk_{table}_tenant_id"),
        ondelete=ondelete,
        deferrable=True,
        initially="DEFERRED",
    )


def _same_tenant(table: str, column: str, other: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{other}.tenant_id", f"{other}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}"),
        ondelete=ondelete,
        deferrable=True,
        initially="DEFERRED",
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("headers", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )


def _create_tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("video_seconds_per_month", sa.Double(), nullable=True),
        sa.Column("max_concurrency", sa.Integer(), nullable=True),
        sa.Column("storage_bytes", sa.BigInteger(), nullable=True),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        _tenant("api_keys", ondelete="CASCADE"),
    )
    op.create_index(op.f("ix_api_keys_tenant_id"), "api_keys", ["tenant_id"], unique=False)


def _create_blob_deletions() -> None:
    op.create_table(
        "blob_deletions",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob_deletions")),
        _tenant("blob_deletions"),
    )
    op.create_index(op.f("ix_blob_deletions_due_at"), "blob_deletions", ["due_at"], unique=False)


def _create_characters() -> None:
    op.create_table(
        "characters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "state",
            _words("characterstate", "pending", "preparing", "ready", "rejected", "failed"),
            nullable=False,
        ),
        sa.Column("face", sa.Integer(), nullable=False),
        sa.Column("num_faces", sa.Integer(), nullable=True),
        sa.Column("portrait_uri", sa.Text(), nullable=False),
        sa.Column("portrait_media_type", sa.Text(), nullable=False),
        sa.Column("portrait_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("portrait_sha256", sa.Text(), nullable=False),
        sa.Column("identity_uri", sa.Text(), nullable=True),
        sa.Column("consent_kind", _words("consentname", "self", "licensed", "synthetic"), nullable=False),
        sa.Column("consent_granted_by", sa.Text(), nullable=False),
        sa.Column("consent_granted_at", INSTANT, nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("announced_at", INSTANT, nullable=True),
        sa.Column("announcements", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_characters")),
        _tenant("characters"),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_characters_tenant_id_id")),
    )
    op.create_index(
        op.f("ix_characters_listing"), "characters", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index(op.f("ix_characters_state"), "characters", ["state", "announced_at"], unique=False)


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("lease_token", sa.Text(), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", JSON, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_idempotency_keys")),
        _tenant("idempotency_keys", ondelete="CASCADE"),
    )
    op.create_index(op.f("ix_idempotency_keys_expires_at"), "idempotency_keys", ["expires_at"], unique=False)


def _create_usage_days() -> None:
    op.create_table(
        "usage_days",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("video_s", sa.Double(), nullable=False),
        sa.Column("performances", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "day", name=op.f("pk_usage_days")),
        _tenant("usage_days"),
    )


def _create_usage_notices() -> None:
    op.create_table(
        "usage_notices",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "month", "percent", name=op.f("pk_usage_notices")),
        _tenant("usage_notices"),
    )


def _create_usage_records() -> None:
    op.create_table(
        "usage_records",
        sa.Column("performance_id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("video_s", sa.Double(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("performance_id", name=op.f("pk_usage_records")),
        _tenant("usage_records"),
    )
    op.create_index(
        op.f("ix_usage_records_listing"), "usage_records", ["tenant_id", "created_at"], unique=False
    )


def _create_verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("subject", _words("subjectname", "character", "performance"), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("judged_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        _tenant("verdicts"),
        sa.UniqueConstraint(
            "tenant_id", "subject_id", "judged_at", name=op.f("uq_verdicts_tenant_id_subject_id_judged_at")
        ),
    )


def _create_webhook_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("event_types", JSON, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_secret_expires_at", INSTANT, nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        _tenant("webhook_endpoints"),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_webhook_endpoints_tenant_id_id")),
    )
    op.create_index(
        op.f("ix_webhook_endpoints_listing"),
        "webhook_endpoints",
        ["tenant_id", "created_at", "id"],
        unique=False,
    )


def _create_webhook_events() -> None:
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
        _tenant("webhook_events"),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_webhook_events_tenant_id_id")),
    )
    op.create_index(op.f("ix_webhook_events_created_at"), "webhook_events", ["created_at"], unique=False)


def _create_character_references() -> None:
    op.create_table(
        "character_references",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("character_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_character_references")),
        _same_tenant("character_references", "character_id", "characters", ondelete="CASCADE"),
    )
    op.create_index(
        op.f("ix_character_references_listing"),
        "character_references",
        ["tenant_id", "character_id", "created_at", "id"],
        unique=False,
    )


def _create_performances() -> None:
    op.create_table(
        "performances",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("character_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            _words(
                "performancestate", "queued", "processing", "succeeded", "failed", "cancelled", "rejected"
            ),
            nullable=False,
        ),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("source", JSON, nullable=False),
        sa.Column("input_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("max_duration_s", sa.Double(), nullable=False),
        sa.Column("reserved_s", sa.Double(), nullable=False),
        sa.Column("directions", JSON, nullable=False),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("warnings", JSON, nullable=False),
        sa.Column("script_state", _words("scriptstate", "pending", "approved", "rejected"), nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("announced_at", INSTANT, nullable=True),
        sa.Column("announcements", sa.Integer(), nullable=False),
        sa.Column("frames_expected", sa.Integer(), nullable=True),
        sa.Column("frames_done", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("video_uri", sa.Text(), nullable=True),
        sa.Column("video_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("video_sha256", sa.Text(), nullable=True),
        sa.Column("video_frames", sa.Integer(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("progressed_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("deleted_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_performances")),
        _tenant("performances"),
        _same_tenant("performances", "character_id", "characters"),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_performances_tenant_id_id")),
    )
    op.create_index(
        op.f("ix_performances_character"), "performances", ["tenant_id", "character_id"], unique=False
    )
    op.create_index(
        op.f("ix_performances_listing"), "performances", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_performances_state"), "performances", ["state", "created_at", "id"], unique=False
    )


def _create_webhook_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column(
            "state", _words("deliverystate", "pending", "delivered", "exhausted", "cancelled"), nullable=False
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=True),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("last_attempt_at", INSTANT, nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_snippet", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        _tenant("webhook_deliveries"),
        _same_tenant("webhook_deliveries", "endpoint_id", "webhook_endpoints", ondelete="CASCADE"),
        _same_tenant("webhook_deliveries", "event_id", "webhook_events", ondelete="CASCADE"),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_due"), "webhook_deliveries", ["state", "next_attempt_at"], unique=False
    )
    op.create_index(
        op.f("ix_webhook_deliveries_event"), "webhook_deliveries", ["tenant_id", "event_id"], unique=False
    )
    op.create_index(
        op.f("ix_webhook_deliveries_listing"),
        "webhook_deliveries",
        ["tenant_id", "endpoint_id", "id"],
        unique=False,
    )


def _create_clips() -> None:
    op.create_table(
        "clips",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("performance_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sequence", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("first_frame", sa.Integer(), nullable=False),
        sa.Column("num_frames", sa.Integer(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "performance_id", "epoch", "sequence", name=op.f("pk_clips")),
        _same_tenant("clips", "performance_id", "performances", ondelete="CASCADE"),
    )
