"""The connection to SQLite or PostgreSQL, and the transactions on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from services.kit.database.engine import create_engine
from services.kit.database.outages import translated

__all__ = ["Database", "mark_enqueued", "open_database", "serialise"]

_ENQUEUED: Final = "enqueued"


@asynccontextmanager
async def open_database(url: str, *, pool_size: int = 10, timeout_s: float = 10.0) -> AsyncIterator[Database]:
    """The database at an SQLAlchemy address; nothing connects before the first transaction.

    `timeout_s` bounds waiting for a connection, for a lock of SQLite and for each statement.
    """
    engine = create_engine(url, pool_size=pool_size, timeout_s=timeout_s)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


class Database:
    """Transactions. Each raises Unavailable when the database does not answer or another update came first.

    Then whatever was done in the transaction is undone, and may be tried again.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing = async_sessionmaker(engine, expire_on_commit=False)
        reader = engine.execution_options(is_read_only=True)
        self._reading = async_sessionmaker(reader, expire_on_commit=False)
        self._enqueued = asyncio.Event()
        # Names that are taken in this process, where no other process shares the database.
        self._taken: set[str] = set()

    @property
    def engine(self) -> AsyncEngine:
        """What the transactions run on, for migrations."""
        return self._engine

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is committed at the end of the block, and undone by an exception."""
        with translated():
            async with self._writing.begin() as session:
                yield session
            if session.info.get(_ENQUEUED):
                self._enqueued.set()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads; it never waits for a writer."""
        with translated():
            async with self._reading() as session:
                yield session

    @asynccontextmanager
    async def exclusively(self, name: str) -> AsyncIterator[bool]:
        """Whether nobody else, in any replica, is inside a block of this name; if so, nobody enters it now.

        It holds until the end of the block, or until the connection is lost: what happens inside must
        bear that another replica begins before it has ended.
        """
        if self._engine.dialect.name == "postgresql":
            async with self.read() as session:
                is_ours = await session.scalar(select(func.pg_try_advisory_xact_lock(_number(name))))
                yield bool(is_ours)
        elif name in self._taken:
            yield False
        else:
            self._taken.add(name)
            try:
                yield True
            finally:
                self._taken.discard(name)

    async def wait_for_enqueued(self, timeout_s: float) -> None:
        """Return soon after this process has committed something for the outbox, or after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._enqueued.wait()
        self._enqueued.clear()


def mark_enqueued(session: AsyncSession) -> None:
    """Note that this transaction adds to the outbox, so that the relay wakes after its commit."""
    session.info[_ENQUEUED] = True


async def serialise(session: AsyncSession, name: str) -> None:
    """Wait until every other transaction of this name has ended; later ones wait for this.

    On SQLite this holds for all transactions of `Database.begin` anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(_number(name))))


def _number(name: str) -> int:
    """PostgreSQL names advisory locks by signed numbers of 64 bits."""
    return int.from_bytes(blake2b(b"dramatis:" + name.encode(), digest_size=8).digest(), signed=True)
