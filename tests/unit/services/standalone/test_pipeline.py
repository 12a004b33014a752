from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from services.standalone.pipeline import Ahead


def test_items_keep_their_order() -> None:
    with Ahead(range(1, 50), 3) as items:
        assert list(items) == list(range(1, 50))


def test_work_begins_before_anyone_asks() -> None:
    begun = threading.Event()

    def items() -> Iterator[int]:
        begun.set()
        yield 1

    with Ahead(items(), 1):
        assert begun.wait(5)


def test_an_error_arrives_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with Ahead(items(), 4) as stream:
        received = iter(stream)
        assert next(received) == 1
        with pytest.raises(ValueError, match="broken"):
            next(received)


def test_the_producer_is_never_further_ahead_than_allowed() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1, 100):
            made.append(item)
            yield item

    with Ahead(items(), 3) as stream:
        for expected, item in enumerate(stream, start=1):
            assert item == expected
            assert len(made) <= expected + 4


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    with Ahead(range(1, 1000), 3) as stream:
        next(iter(stream))
    assert threading.active_count() == before


def test_two_stages_overlap() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def first_stage(item: int) -> int:
        if item > 1:
            meeting.wait()
        return item

    def second_stage(item: int) -> int:
        if item < 20:
            meeting.wait()
        return item

    with Ahead(map(first_stage, range(1, 21)), 2) as first, Ahead(map(second_stage, first), 2) as second:
        assert list(second) == list(range(1, 21))
