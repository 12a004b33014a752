"""An API over embedded stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.kit.logs import configure_logs
from services.kit.settings import TelemetrySettings
from tests.api.platform import Platform, client_of, open_platform


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Only what went wrong is told."""
    configure_logs("gateway", TelemetrySettings(log_level="warning", log_format="console"))


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of the product."""
    return "asyncio"


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    """An API with two tenants."""
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the first tenant."""
    async with client_of(platform, platform.ours) as opened:
        yield opened
