"""PostgreSQL with the platform's tables, and a receiver of webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from services.kit.database import schema
from services.kit.database.database import Database, open_database
from services.kit.database.tables import Row, Tenant
from tests.webhooks.receiver import Receiver, open_receiver
from tests.webhooks.rows import NOW, add


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of the product."""
    return "asyncio"


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """A database with two tenants and nothing else."""
    await schema.upgrade(postgres_url)
    async with open_database(postgres_url, timeout_s=60.0) as opened:
        async with opened.begin() as session:
            for table in reversed(Row.metadata.sorted_tables):
                await session.execute(table.delete())
        await add(opened, *(Tenant(id=name, name=name, created_at=NOW) for name in ("ten_1", "ten_2")))
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who receives webhooks."""
    with open_receiver() as opened:
        yield opened
