"""An API over embedded stores."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from tests.api.platform import Platform, client_of, open_platform


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Only what went wrong is told; the tests of others find logging as it was."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


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
