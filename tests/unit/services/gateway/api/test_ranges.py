"""Ranges of bytes."""

from __future__ import annotations

import pytest

from services.gateway.api.ranges import parse_range
from services.gateway.problems import RANGE_NOT_SATISFIABLE, Problem


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=0-9,20-29", None),
        ("bytes=9-0", None),
        ("bytes=-", None),
        ("lines=0-9", None),
    ],
)
def test_a_range_is_the_bytes_it_names(header: str, part: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_of_the_file_is_refused(header: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_range(header, 100)

    assert caught.value.kind is RANGE_NOT_SATISFIABLE
    assert caught.value.headers["Content-Range"] == "bytes */100"
