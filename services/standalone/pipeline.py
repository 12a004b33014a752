"""Overlapping the steps of one performance: each may run in a thread of its own, a bounded way ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead", "ahead_of_each"]

T = TypeVar("T")
ResultT = TypeVar("ResultT")


def ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """Yield `items`, computed in another thread at most `depth` ahead of the consumer.

    An exception of `items` is raised where the consumer would have met its item. Leaving early stops
    the thread after the item it is at.
    """
    iterator = iter(items)
    with ThreadPoolExecutor(max_workers=1) as pool:
        pending = deque(pool.submit(next, iterator, None) for _ in range(depth))
        try:
            while (item := pending.popleft().result()) is not None:
                pending.append(pool.submit(next, iterator, None))
                yield item
        finally:
            pool.shutdown(cancel_futures=True)


def ahead_of_each(work: Callable[[T], ResultT], items: Iterable[T], num_threads: int) -> Iterator[ResultT]:
    """Yield `work(item)` in the order of `items`, computed by `num_threads` threads, as many ahead."""
    pending: deque[Future[ResultT]] = deque()
    with ThreadPoolExecutor(max_workers=num_threads) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > num_threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
