from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from services.standalone.pipeline import ahead, ahead_of_each


def test_items_keep_their_order() -> None:
    assert list(ahead(range(1, 50), 3)) == list(range(1, 50))
    assert list(ahead_of_each(lambda item: item * 2, range(50), 3)) == [item * 2 for item in range(50)]


def test_an_error_arrives_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    stream = ahead(items(), 4)
    assert next(stream) == 1
    with pytest.raises(ValueError, match="broken"):
        next(stream)


def test_the_producer_is_never_further_ahead_than_allowed() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1, 100):
            made.append(item)
            yield item

    stream = ahead(items(), 3)
    for expected in range(1, 20):
        assert next(stream) == expected
        assert len(made) <= expected + 4


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    stream = ahead(iter(range(1, 1000)), 3)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator, typed as an iterator
    assert threading.active_count() == before
