"""One session in this process: its segments in order, and what has been claimed of them."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from services.encoding.domain import Place
from services.kit.consumer import Receipt
from services.kit.errors import Stale
from services.kit.messages import Segment
from services.kit.ordering import InOrder

__all__ = ["Limits", "Session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many segments of a session may wait, how many are encoded at once.

    A segment that others wait for is waited for `patience_s`; every `watch_s` that is looked at.
    """

    segments: int = 256
    batch: int = 16
    patience_s: float = 60.0
    watch_s: float = 1.0


class Session:
    """Segments go in through `take` and come out, in order, through `next_batch`."""

    def __init__(self, place: Place, partition: int, limits: Limits) -> None:
        self.place = place
        self.partition = partition
        self._limits = limits
        self._order = InOrder[Segment](bound=limits.segments)
        self._waiting: deque[Segment] = deque()
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._is_over = False
        self._receipts: dict[int, Receipt] = {}

    @property
    def missing(self) -> int | None:
        """The sequence that others wait for, None when nobody waits."""
        return self._order.expected if self._order.has_gap else None

    async def take(self, segment: Segment, receipt: Receipt) -> None:
        """Put a segment in its place, and wait while too many are there.

        Raises Stale for one that was here before, SessionLost when too many wait for a missing one.
        """
        sequence = segment.envelope.sequence
        if self._is_over:
            raise Stale(f"session {self.place.session_id} is over")
        self._waiting.extend(self._order.push(sequence, segment))
        self._receipts[sequence] = receipt
        self._changed.set()
        while len(self._waiting) >= self._limits.segments and not self._is_over:
            self._has_room.clear()
            await self._has_room.wait()

    async def next_batch(self) -> list[Segment]:
        """The segments that are here, at least one."""
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        count = min(self._limits.batch, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(count)]
        self._has_room.set()
        return batch

    def settle(self) -> None:
        """Settle every segment."""
        for receipt in self._receipts.values():
            receipt.settle()
        self._receipts.clear()

    def disown(self) -> None:
        """Never settle what was taken: it belongs to somebody else now."""
        self._receipts.clear()

    def stop(self) -> None:
        """Take no more part in anything; whoever waits goes on."""
        self._is_over = True
        self._has_room.set()
