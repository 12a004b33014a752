"""The five folders a test may live in, and the inputs every test may use."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parent
EXAMPLES: Final = TESTS.parent / "examples"
KINDS: Final = ("unit", "contract", "integration", "e2e", "bench")


def pytest_configure(config: pytest.Config) -> None:
    """Register one marker per folder, so that `-m e2e` selects that folder."""
    for kind in KINDS:
        config.addinivalue_line("markers", f"{kind}: tests under tests/{kind}")


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
