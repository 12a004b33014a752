"""The cues of one session: from its segments, or from the driver they name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TypeVar

from services.encoding.faults import Fault
from services.encoding.session import Session
from services.encoding.workshop import Led, Streams, Workshop
from services.kit import contracts
from services.kit.blobs import Blobs
from services.kit.clock import Clock
from services.kit.contracts import Motion
from services.kit.errors import BlobMissing
from services.kit.messages import Cue, Opening, Segment
from services.kit.retry import retrying

__all__ = ["CueMaker"]

T = TypeVar("T")


class CueMaker:
    """Makes cues; blocking work runs in `pool`."""

    def __init__(self, blobs: Blobs, workshop: Workshop, pool: Executor, clock: Clock) -> None:
        self._blobs = blobs
        self._workshop = workshop
        self._pool = pool
        self._clock = clock

    async def of_streams(
        self, session: Session, first: Sequence[Segment], opening: Opening
    ) -> AsyncIterator[list[Cue]]:
        """Yield the cues of a session that begins with the segments `first`, some at a time."""
        streams = await retrying(lambda: self._work(partial(self._workshop.open_streams, opening.engine)))
        asked: dict[int, Segment] = {}
        batch = list(first)
        while True:
            asked |= {segment.envelope.sequence: segment for segment in batch}
            answers = await self._work(partial(_push_all, streams, batch))
            yield [self._conversing(answer, asked.pop(answer.sequence), opening) for answer in answers]
            if batch[-1].is_final:
                return
            batch = await session.next_batch()

    async def of_driver(self, segment: Segment, opening: Opening) -> AsyncIterator[list[Cue]]:
        """Yield the cues of a driving video, one at a time. Raises Fault when it cannot be used."""
        is_stopped = Event()
        with TemporaryDirectory(prefix="dramatis-") as folder:
            try:
                path = Path(folder) / "driver"
                await self._fetch(segment.driver_uri, path)
                leads = self._workshop.open_driver(opening.engine, path, is_stopped)
                led = await self._work(partial(_next_of, leads))
                while led is not None:
                    following = await self._work(partial(_next_of, leads))
                    yield [self._led(led, segment, opening, is_final=following is None)]
                    led = following
            finally:
                is_stopped.set()

    async def _fetch(self, uri: str, path: Path) -> None:
        try:
            await retrying(lambda: self._blobs.get_file(uri, path))
        except BlobMissing as error:
            raise Fault("driver_missing", "driver is not there any more") from error

    def _conversing(self, answer: contracts.Cue, segment: Segment, opening: Opening) -> Cue:
        return Cue(
            envelope=replace(segment.envelope, created_at=self._clock.now()),
            num_frames=answer.num_frames,
            is_final=segment.is_final,
            speak=answer.speak,
            waveform=answer.waveform,
            listen=answer.listen,
            opening=opening if answer.sequence == 0 else None,
            directions=segment.directions,
        )

    def _led(self, led: Led, segment: Segment, opening: Opening, *, is_final: bool) -> Cue:
        cue = Cue(
            envelope=replace(segment.envelope, sequence=led.sequence, created_at=self._clock.now()),
            num_frames=len(led.frames) if isinstance(led, Motion) else led.num_frames,
            is_final=is_final,
            opening=opening if led.sequence == 0 else None,
            directions=segment.directions,
        )
        if isinstance(led, Motion):
            return replace(cue, motion=led.frames)
        return replace(cue, pictures=led.pictures)

    async def _work(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _push_all(streams: Streams, batch: Sequence[Segment]) -> list[contracts.Cue]:
    segments = [
        contracts.Segment(sequence=s.envelope.sequence, is_final=s.is_final, speech=s.speech, listen=s.listen)
        for s in batch
    ]
    return [cue for segment in segments for cue in streams.push(segment)]


def _next_of(leads: Iterator[Led]) -> Led | None:
    return next(leads, None)
