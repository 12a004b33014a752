"""What a transaction has to tell the other services, published after its commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.backoff import Backoff
from services.kit.bus import Bus, Outgoing
from services.kit.database.database import Database, mark_enqueued
from services.kit.database.tables import OutboxRow
from services.kit.errors import Retryable
from services.kit.topics import Topic

__all__ = ["enqueue", "relay"]

MessageT = TypeVar("MessageT")

_BATCH: Final = 100
_POLL_S: Final = 0.2
_BACKOFF: Final = Backoff(longest_s=2.0)

_LOGGER: Final = structlog.stdlib.get_logger(__name__)


def enqueue(session: AsyncSession, topic: Topic[MessageT], message: MessageT, now: datetime) -> None:
    """Add a message to the caller's transaction; the relay publishes it once that is committed.

    Messages of one key stay in order when their transactions do: lock or update the row they tell of
    before.
    """
    outgoing = topic.outgoing(message)
    headers = {name: value.decode("latin-1") for name, value in outgoing.headers.items()}
    session.add(
        OutboxRow(
            topic=outgoing.topic, key=outgoing.key, value=outgoing.value, headers=headers, created_at=now
        )
    )
    mark_enqueued(session)


async def relay(database: Database, bus: Bus, *, poll_s: float = _POLL_S) -> None:
    """Publish what is enqueued, in its order, until cancelled; of all replicas one at a time does.

    A row is removed after the bus took its record: a crash in between gives a duplicate, never a loss.
    What this process commits wakes it; `poll_s` is how soon it sees what others commit.
    """
    num_failures = 0
    while True:
        try:
            num_published = await _relay_batch(database, bus)
        except Retryable as error:
            num_failures += 1
            _LOGGER.warning("outbox.waits", attempt=num_failures, reason=str(error))
            await asyncio.sleep(_BACKOFF.pause_s(num_failures))
            continue
        num_failures = 0
        if num_published < _BATCH:
            await database.wait_for_enqueued(poll_s)


async def _relay_batch(database: Database, bus: Bus) -> int:
    async with database.exclusively("outbox") as is_ours:
        if not is_ours:
            return 0
        rows = await _oldest(database)
        if rows:
            # Outside of a transaction: who takes a record may need the database before the next is taken.
            await bus.publish([_record(row) for row in rows])
            await _remove(database, rows)
        return len(rows)


async def _oldest(database: Database) -> Sequence[OutboxRow]:
    async with database.read() as session:
        found = await session.scalars(select(OutboxRow).order_by(OutboxRow.id).limit(_BATCH))
        return found.all()


def _record(row: OutboxRow) -> Outgoing:
    headers = {name: value.encode("latin-1") for name, value in row.headers.items()}
    return Outgoing(topic=row.topic, key=row.key, value=row.value, headers=headers)


async def _remove(database: Database, rows: Sequence[OutboxRow]) -> None:
    async with database.begin() as session:
        await session.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])))
