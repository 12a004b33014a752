"""How many progress streams are open at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.gateway.problems import CONCURRENCY_LIMIT, Problem

__all__ = ["Streams"]


class Streams:
    """How many streams each tenant has open, in this process."""

    def __init__(self, most_per_tenant: int) -> None:
        self._most = most_per_tenant
        self._open: Counter[str] = Counter()

    def require_room(self, tenant: str) -> None:
        """Raise Problem concurrency_limit when the tenant has as many as it may."""
        if self._open[tenant] >= self._most:
            detail = f"{self._most} progress streams are open, no more are allowed"
            raise Problem(CONCURRENCY_LIMIT, detail, headers={"Retry-After": "10"})

    @contextmanager
    def held(self, tenant: str) -> Iterator[None]:
        """Count one stream while it is open."""
        self._open[tenant] += 1
        try:
            yield
        finally:
            self._open[tenant] -= 1
