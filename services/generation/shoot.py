"""The making of one film: its spans are made, kept and shown, chunk by chunk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from threading import Event
from typing import Final, TypeVar

import numpy as np
import structlog

from services.generation.faults import Fault
from services.generation.offline import Film, Span
from services.generation.session import Session, Step
from services.generation.spans import Spans
from services.kit.backoff import Backoff
from services.kit.contracts import Chunk, Pixels
from services.kit.errors import BlobMissing, Unavailable
from services.kit.messages import Cue
from services.kit.retry import retrying

__all__ = ["Shoot"]

T = TypeVar("T")

# A span that takes what makes it down so often will do so again.
_MAX_ATTEMPTS: Final = 3
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class Shoot:
    """Makes the `film` of a session in `worker`; `note` is called with the steps that are done."""

    def __init__(
        self,
        session: Session[None],
        film: Film,
        cues: Sequence[Cue],
        spans: Spans,
        worker: Executor,
        note: Callable[[int], None],
    ) -> None:
        self._session = session
        self._film = film
        self._cutter = _Cutter(cues)
        self._spans = spans
        self._worker = worker
        self._note = note
        self._is_stopped = Event()
        self._coming: Iterator[Span] | None = None
        self._backoff = Backoff()

    async def run(self) -> None:
        """Pass on a chunk for every cue, at first of what is kept.

        When it is cancelled, no further step begins. Raises Fault when what was kept cannot be used, or a
        span cannot be made.
        """
        done, last = await self._latest()
        for number in range(1, done + 1):
            # A sign of life: to show much of what is kept takes its time.
            self._note(done * self._film.span_steps)
            async with self._going_on():
                await self._show(await retrying(partial(self._spans.get_shown, number)))
        try:
            await self._make(done, last)
        finally:
            self._is_stopped.set()
        self._cutter.check_empty()

    async def _latest(self) -> tuple[int, Span | None]:
        """How many spans are kept, and the last of them, which goes when its successor is kept.

        Whoever had the session before may not know that it is gone, and keep one more meanwhile.
        """
        while done := await retrying(self._spans.count):
            with suppress(BlobMissing):
                return done, await retrying(partial(self._spans.get, done))
        return 0, None

    async def _make(self, done: int, last: Span | None) -> None:
        for number in range(done + 1, self._film.num_spans + 1):
            last = await self._next(number, last)
            self._note(number * self._film.span_steps)
            await retrying(partial(self._spans.put, number, last))
            await self._show(last.shown)

    async def _next(self, number: int, last: Span | None) -> Span:
        """The span with this number, begun again when what makes it is lost. Raises Fault in the end."""
        for attempt in count(1):
            try:
                if self._coming is None:
                    self._coming = await self._follow(number - 1, last)
                span: Span | None = await self._work(partial(next, self._coming, None))
            except Unavailable as error:
                self._coming = None
                await self._bear(number, attempt, error)
            else:
                assert span is not None, f"the film ends before span {number}"
                return span
        raise AssertionError("counting does not end")

    async def _bear(self, number: int, attempt: int, error: Unavailable) -> None:
        """Wait a little before another attempt at a span, if it is worth one."""
        if attempt == _MAX_ATTEMPTS:
            raise Fault("generation_failed", f"span {number} was lost {attempt} times: {error}") from error
        _LOGGER.warning("span.lost", number=number, attempt=attempt, reason=str(error))
        await asyncio.sleep(self._backoff.pause_s(attempt))

    async def _follow(self, done: int, last: Span | None) -> Iterator[Span]:
        async with self._going_on():
            return await self._work(partial(self._begin, done, last, asyncio.get_running_loop()))

    def _begin(self, done: int, last: Span | None, loop: asyncio.AbstractEventLoop) -> Iterator[Span]:
        steps = count(done * self._film.span_steps)

        def on_step() -> None:
            if self._is_stopped.is_set():
                raise _StoppedError
            loop.call_soon_threadsafe(self._note, next(steps))

        return self._film.make(done, last, on_step)

    @asynccontextmanager
    async def _going_on(self) -> AsyncIterator[None]:
        """Lose the session when what was kept cannot be used, and let nobody come upon it again."""
        try:
            yield
        except (ValueError, BlobMissing) as error:
            await retrying(self._spans.discard)
            raise Fault("session_lost", f"what was kept of the film cannot be used: {error}") from error

    async def _show(self, shown: bytes) -> None:
        for step in self._cutter.cut(await self._work(partial(self._film.show, shown))):
            await self._session.answers.put(step)

    async def _work(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)


class _StoppedError(Exception):
    """Nobody wants the film any more."""


class _Cutter:
    """Cuts the pictures of spans into the chunks of cues."""

    def __init__(self, cues: Sequence[Cue]) -> None:
        self._cues = deque(cues)
        self._left: list[Pixels] = []

    def cut(self, pictures: Pixels) -> list[Step[None]]:
        """The chunks that are whole with these pictures [n, H, W, 3]."""
        self._left.append(pictures)
        frames = np.concatenate(self._left)
        steps: list[Step[None]] = []
        while self._cues and len(frames) >= self._cues[0].num_frames:
            cue = self._cues.popleft()
            chunk = Chunk(sequence=cue.envelope.sequence, frames=frames[: cue.num_frames])
            steps.append(Step(cue=cue, answer=chunk, after=None))
            frames = frames[cue.num_frames :]
        self._left = [frames]
        return steps

    def check_empty(self) -> None:
        """Assert that every cue has had its pictures."""
        assert not self._cues, f"the film ends before cue {self._cues[0].envelope.sequence}"
