"""A worker's surroundings, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kit.database.database import Database, open_database
from services.kit.settings import TelemetrySettings
from services.kit.telemetry import Telemetry, open_telemetry
from tests.webhooks.rows import HandClock, make_tables


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of the product."""
    return "asyncio"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with two tenants."""
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'dramatis.db'}", timeout_s=60.0) as opened:
        await make_tables(opened, "ten_1", "ten_2")
        yield opened


@pytest.fixture
def clock() -> HandClock:
    """A clock that is moved by hand."""
    return HandClock()


@pytest.fixture
def telemetry() -> Telemetry:
    """Metrics of this test alone."""
    with open_telemetry("worker", TelemetrySettings()) as opened:
        return opened
