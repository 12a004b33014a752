"""Overlapping the steps of one performance: each runs in a thread of its own, a bounded way ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Self, TypeVar

__all__ = ["Ahead"]

T = TypeVar("T")


class Ahead(Generic[T]):
    """The items of an iterable, computed in another thread from now on, at most `depth` ahead.

    An exception of the iterable is raised where the consumer would have met its item. Use it as a
    context manager: leaving it stops the thread after the item it is at.
    """

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._items = iter(items)
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._pending = deque(self._pool.submit(next, self._items, None) for _ in range(depth))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[T]:
        while (item := self._pending.popleft().result()) is not None:
            self._pending.append(self._pool.submit(next, self._items, None))
            yield item
