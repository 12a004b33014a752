"""Removing what nobody needs: blobs and rows of deleted things, old events, used-up keys and secrets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, delete, exists, select, tuple_, update

from services.kit.blobs import Blobs
from services.kit.clock import Clock
from services.kit.database.database import Database
from services.kit.database.tables import (
    BlobDeletion,
    Character,
    IdempotencyKey,
    Performance,
    WebhookEndpoint,
    WebhookEvent,
)
from services.worker.metrics import Metrics

__all__ = ["Retention"]

_log = structlog.get_logger(__name__)

_BATCH: Final = 200

_Named = Performance | Character | WebhookEvent


class Retention:
    """What is removed, and when. One replica at a time removes; to remove twice does no harm."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        clock: Clock,
        metrics: Metrics,
        *,
        deleted_stay: timedelta,
        events_stay: timedelta,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._metrics = metrics
        self._deleted_stay = deleted_stay
        self._events_stay = events_stay

    async def run(self) -> None:
        """Remove a batch of each kind."""
        async with self._database.exclusively("retention") as is_ours:
            if is_ours:
                await self._remove_all(self._clock.now())

    async def _remove_all(self, now: datetime) -> None:
        await self._remove_blobs(now)
        gone = now - self._deleted_stay
        await self._remove(Performance, Performance.deleted_at <= gone)
        used = exists().where(Performance.character_id == Character.id)
        await self._remove(Character, Character.deleted_at <= gone, ~used)
        await self._remove(WebhookEvent, WebhookEvent.created_at <= now - self._events_stay)
        await self._remove_idempotency_keys(now)
        await self._forget_old_secrets(now)

    async def _remove_blobs(self, now: datetime) -> None:
        async with self._database.read() as session:
            found = await session.scalars(
                select(BlobDeletion)
                .where(BlobDeletion.due_at <= now)
                .order_by(BlobDeletion.due_at)
                .limit(_BATCH)
            )
            due = found.all()
        for deletion in due:
            number = await self._blobs.delete(deletion.prefix)
            async with self._database.begin() as session:
                await session.execute(delete(BlobDeletion).where(BlobDeletion.id == deletion.id))
            self._metrics.count_removed("blobs", number)
            _log.info("blobs.removed", tenant=deletion.tenant_id, prefix=deletion.prefix, number=number)

    async def _remove(self, table: type[_Named], *conditions: ColumnElement[bool]) -> None:
        """Delete a batch of rows; what belongs to them goes with them."""
        async with self._database.read() as session:
            ids = (await session.scalars(select(table.id).where(*conditions).limit(_BATCH))).all()
        if not ids:
            return
        async with self._database.begin() as session:
            await session.execute(delete(table).where(table.id.in_(ids), *conditions))
        self._metrics.count_removed(table.__tablename__, len(ids))

    async def _remove_idempotency_keys(self, now: datetime) -> None:
        name = tuple_(IdempotencyKey.tenant_id, IdempotencyKey.key)
        is_over = IdempotencyKey.expires_at <= now
        async with self._database.read() as session:
            rows = await session.execute(
                select(IdempotencyKey.tenant_id, IdempotencyKey.key).where(is_over).limit(_BATCH)
            )
            keys: list[Any] = [tuple(row) for row in rows.all()]
        if not keys:
            return
        async with self._database.begin() as session:
            await session.execute(delete(IdempotencyKey).where(name.in_(keys), is_over))
        self._metrics.count_removed("idempotency_keys", len(keys))

    async def _forget_old_secrets(self, now: datetime) -> None:
        is_over = WebhookEndpoint.previous_secret_expires_at <= now
        async with self._database.read() as session:
            if not await session.scalar(select(exists().where(is_over))):
                return
        async with self._database.begin() as session:
            await session.execute(
                update(WebhookEndpoint)
                .where(is_over)
                .values(previous_secret=None, previous_secret_expires_at=None)
            )
