"""The five folders a test may live in, and the inputs every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.kafka import open_kafka
from tests.servers.postgres import open_database, open_postgres
from tests.servers.processes import scratch
from tests.servers.redis import open_redis
from tests.servers.s3 import S3Server, add_bucket, open_s3
from tests.servers.sharing import ask, keeping

TESTS: Final = Path(__file__).parent
EXAMPLES: Final = TESTS.parent / "examples"
KINDS: Final = ("unit", "contract", "integration", "e2e", "bench")
# Where the workers of one run ask for the servers they share.
_SHARED: Final = "DRAMATIS_TEST_SERVERS"
_PROFILE: Final = "repeatable"


def pytest_configure(config: pytest.Config) -> None:
    """Register one marker per folder, so that `-m e2e` selects that folder; keep servers for the workers.

    Examples of hypothesis are the same in every run, and may take as long as a busy machine needs.
    """
    settings.register_profile(
        _PROFILE,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile(_PROFILE)
    for kind in KINDS:
        config.addinivalue_line("markers", f"{kind}: tests under tests/{kind}")
    # Workers, and runs that a test begins, ask those who keep the servers already.
    if _SHARED not in os.environ:
        stack = ExitStack()
        config.add_cleanup(stack.close)
        openers = {"s3": open_s3, "postgres": open_postgres, "redis": open_redis}
        os.environ[_SHARED] = str(stack.enter_context(keeping(openers)))
        stack.callback(os.environ.pop, _SHARED)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its folder; refuse one that lies outside of the five."""
    for item in items:
        item.add_marker(kind_of(item.path))


def kind_of(path: Path) -> str:
    """The folder of `tests/` that a test file lies in.

    Raises:
        pytest.UsageError: the file lies in none of the five.
    """
    inside = path.relative_to(TESTS).parts[:-1] if path.is_relative_to(TESTS) else ()
    if not inside or inside[0] not in KINDS:
        raise pytest.UsageError(f"{path} must lie in one of tests/{{{','.join(KINDS)}}}")
    return inside[0]


@pytest.fixture(scope="session")
def example_portrait() -> Path:
    """The portrait that ships with the project."""
    return EXAMPLES / "portrait.jpg"


@pytest.fixture(scope="session")
def example_speech() -> Path:
    """The speech that ships with the project."""
    return EXAMPLES / "speech.wav"


@pytest.fixture(scope="session")
def kafka_address() -> Iterator[str]:
    """Bootstrap servers of a real broker; each worker has its own, unless one is named from outside."""
    with scratch() as folder, open_kafka(folder) as address:
        yield address


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy address of a new, empty PostgreSQL database, each worker's own."""
    host, port = ask(_shared(), "postgres", tuple)
    with open_database(host, port) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(worker_id: str) -> str:
    """A numbered database of a real Redis server, each worker's own."""
    host, port = ask(_shared(), "redis", tuple)
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    return f"redis://{host}:{port}/{number}"


@pytest.fixture(scope="session")
def s3_server() -> S3Server:
    """A real S3 server with an empty bucket, each worker's own."""
    return add_bucket(ask(_shared(), "s3", S3Server))


def _shared() -> Path:
    return Path(os.environ[_SHARED])
