"""The embedded bus: bounded queues inside one process. Publishing waits where a subscriber is behind."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final
from zlib import crc32

from services.kit.bus import OnRevoked, Outgoing, Record, Source

__all__ = ["MemoryBus"]

_DEPTH: Final = 256


class MemoryBus:
    """A `Bus` for one event loop. It keeps nothing: a record without a subscriber is gone.

    Each group has one member per topic, which owns every partition. `depth` bounds the records that wait
    for a group in one partition; who publishes more waits. Those who still wait when the subscriber
    leaves go on, and their records are gone.
    """

    def __init__(self, *, partitions: int = 4, depth: int = _DEPTH) -> None:
        self._partitions = partitions
        self._depth = depth
        self._members: dict[str, list[_Member]] = defaultdict(list)
        self._offsets: dict[Source, int] = defaultdict(int)
        # Publishers of one source take turns, so that records arrive in the order of their offsets.
        self._turns: dict[Source, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        for outgoing in records:
            source = Source(outgoing.topic, crc32(outgoing.key.encode()) % self._partitions)
            async with self._turns[source]:
                await self._deliver(source, outgoing)

    async def _deliver(self, source: Source, outgoing: Outgoing) -> None:
        offset = self._offsets[source]
        self._offsets[source] = offset + 1
        record = Record(
            source=source,
            offset=offset,
            key=outgoing.key,
            value=outgoing.value,
            headers=dict(outgoing.headers),
        )
        for member in list(self._members[outgoing.topic]):
            await member.put(record)

    @asynccontextmanager
    async def subscribe(
        self,
        topics: Iterable[str],
        group: str,
        on_revoked: OnRevoked,  # noqa: ARG002  nothing is ever revoked here
    ) -> AsyncIterator[_Member]:
        names = list(topics)
        for topic in names:
            if any(other.group == group for other in self._members[topic]):
                raise ValueError(f"group {group} already has a member on {topic}, expected one")
        member = _Member(group, self._depth)
        for topic in names:
            self._members[topic].append(member)
        try:
            yield member
        finally:
            member.close()
            for topic in names:
                self._members[topic].remove(member)


class _Member:
    """A `Subscription`: one bounded lane per source, and a ring of the lanes that have something to give."""

    def __init__(self, group: str, depth: int) -> None:
        self.group = group
        self._depth = depth
        self._lanes: dict[Source, deque[Record]] = defaultdict(deque)
        self._ready: dict[Source, None] = {}
        self._paused: set[Source] = set()
        self._arrived = asyncio.Event()
        self._drained: dict[Source, asyncio.Event] = defaultdict(asyncio.Event)
        self._is_closed = False

    async def put(self, record: Record) -> None:
        lane = self._lanes[record.source]
        while len(lane) >= self._depth and not self._is_closed:
            self._drained[record.source].clear()
            await self._drained[record.source].wait()
        if not self._is_closed:
            lane.append(record)
            self._announce(record.source)

    async def receive(self) -> Record:
        while not self._ready:
            self._arrived.clear()
            await self._arrived.wait()
        # The next call begins behind this source, so that none starves.
        source = next(iter(self._ready))
        del self._ready[source]
        record = self._lanes[source].popleft()
        self._drained[source].set()
        self._announce(source)
        return record

    def pause(self, source: Source) -> None:
        self._paused.add(source)
        self._ready.pop(source, None)

    def resume(self, source: Source) -> None:
        self._paused.discard(source)
        self._announce(source)

    async def commit(self, offsets: Mapping[Source, int]) -> None:
        """Nothing to remember: the queues end with the process."""

    def lags(self) -> Mapping[Source, int]:
        return {source: len(lane) for source, lane in self._lanes.items()}

    def close(self) -> None:
        """Let whoever waits to publish go on; what they bring is dropped."""
        self._is_closed = True
        self._lanes.clear()
        self._ready.clear()
        for drained in self._drained.values():
            drained.set()

    def _announce(self, source: Source) -> None:
        if self._lanes[source] and source not in self._paused:
            self._ready.setdefault(source)
            self._arrived.set()
