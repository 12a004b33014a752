"""Both databases, and rows that tests begin with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from services.kit.database import schema
from services.kit.database.database import Database, open_database
from services.kit.database.tables import Character, CharacterState, ConsentName, Row, Tenant

NOW: Final = datetime(2026, 11, 21, 12, 30, 15, 250_000, tzinfo=UTC)

TENANT: Final = "ten_a"
_PATIENCE_S: Final = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database; what is in it is open."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/dramatis.db"
    url: str = request.getfixturevalue("postgres_url")
    # Without the question for TLS, whose future the driver abandons when a connecting task is cancelled.
    return f"{url}?ssl=disable"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with every table, one tenant, and nothing else."""
    await schema.upgrade(database_url)
    async with open_database(database_url, timeout_s=_PATIENCE_S) as opened:
        async with opened.begin() as session:
            for table in reversed(Row.metadata.sorted_tables):
                await session.execute(table.delete())
            session.add(Tenant(id=TENANT, name="acme", created_at=NOW))
        yield opened
        if opened.engine.dialect.name == "postgresql":
            await nobody_waits(opened)


async def nobody_waits(database: Database) -> None:
    """Nothing may be left in a transaction; a server takes a moment to see that a connection has ended."""
    idle = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'idle in transaction'"
    )
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            async with database.read() as session:
                if await session.scalar(idle) == 0:
                    return
            await asyncio.sleep(0.02)


@pytest.fixture
def character() -> Callable[[str], Character]:
    """A character that waits to be judged."""

    def make(character_id: str, tenant_id: str = TENANT) -> Character:
        return Character(
            id=character_id,
            tenant_id=tenant_id,
            state=CharacterState.PENDING,
            portrait_uri=f"{tenant_id}/characters/{character_id}/portrait",
            portrait_media_type="image/png",
            portrait_size_bytes=3,
            consent_kind=ConsentName.SELF,
            consent_granted_by="an owner",
            consent_granted_at=NOW,
            created_at=NOW,
            updated_at=NOW,
        )

    return make
