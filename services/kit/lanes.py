"""The records of one source that wait for the consumer loop, and the task that handles them in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from services.kit.bus import Record, Source, Subscription
from services.kit.ledger import Claim

__all__ = ["Lane", "stop_all"]

_DEPTH: Final = 64


class Lane:
    """The records of one source that wait to be handled; reading pauses while there are too many."""

    def __init__(self, source: Source, subscription: Subscription) -> None:
        self.source = source
        self.task: asyncio.Task[None] | None = None
        self.is_stopping = False
        self._subscription = subscription
        self._waiting: asyncio.Queue[tuple[Record, Claim]] = asyncio.Queue()
        self._is_paused = False
        self._is_handling = False

    def put(self, record: Record, claim: Claim) -> None:
        self._waiting.put_nowait((record, claim))
        if not self._is_paused and self._waiting.qsize() >= _DEPTH:
            self._is_paused = True
            self._subscription.pause(self.source)

    async def take(self) -> tuple[Record, Claim]:
        """Wait for the next record; it is being handled until `has_finished`."""
        if self._is_paused and self._waiting.qsize() <= _DEPTH // 2:
            self._is_paused = False
            self._subscription.resume(self.source)
        taken = await self._waiting.get()
        self._is_handling = True
        return taken

    def has_finished(self) -> None:
        self._is_handling = False
        if self.is_stopping:
            raise asyncio.CancelledError

    async def pause(self, pause_s: float) -> None:
        """Wait between attempts; nothing runs that would have to finish."""
        if self.is_stopping:
            raise asyncio.CancelledError
        self._is_handling = False
        await asyncio.sleep(pause_s)
        self._is_handling = True

    def stop(self) -> asyncio.Task[None] | None:
        """Begin no other record. Returns the task, which ends by itself if it is handling one."""
        self.is_stopping = True
        if self.task is not None and not self._is_handling:
            self.task.cancel()
        return self.task


async def stop_all(lanes: Sequence[Lane], grace_s: float) -> None:
    """Begin nothing more in these lanes, and wait until what they handle has ended or `grace_s` is over."""
    tasks = [task for lane in lanes if (task := lane.stop())]
    if tasks and grace_s:
        await asyncio.wait(tasks, timeout=grace_s)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
