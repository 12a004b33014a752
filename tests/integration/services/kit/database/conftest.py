"""A PostgreSQL database behind a wire that can be cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import make_url

from services.kit.database import schema
from services.kit.database.database import Database, open_database
from services.kit.database.tables import Row, Tenant
from tests.contract.services.kit.database.conftest import NOW, TENANT
from tests.servers.proxy import Proxy, open_proxy


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop of asynchronous tests and fixtures."""
    return "asyncio"


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Proxy]:
    """What stands between the database and its clients."""
    url = make_url(postgres_url)
    with open_proxy() as proxy:
        proxy.forward(str(url.host), url.port or 5432)
        yield proxy


@pytest.fixture
def wired_url(postgres_url: str, wire: Proxy) -> str:
    """The address of the database at the far end of the wire."""
    url = make_url(postgres_url).set(host=wire.host, port=wire.port)
    return url.update_query_dict({"ssl": "disable"}).render_as_string(hide_password=False)


@pytest.fixture
async def database(wired_url: str) -> AsyncIterator[Database]:
    """A database with one tenant, reached over the wire."""
    await schema.upgrade(wired_url)
    async with open_database(wired_url, pool_size=5, timeout_s=60.0) as opened:
        async with opened.begin() as session:
            for table in reversed(Row.metadata.sorted_tables):
                await session.execute(table.delete())
            session.add(Tenant(id=TENANT, name="acme", created_at=NOW))
        yield opened
