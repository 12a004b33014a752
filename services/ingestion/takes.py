"""One performance from its input to its last segment: the work of a session, without its life."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from services.ingestion.domain import InputFault, check_length, in_force, num_frames, num_pictures
from services.ingestion.driver import measure_driver
from services.ingestion.inputs import Inputs
from services.ingestion.soundtrack import open_driver_sound, open_sound
from services.ingestion.speech import probe_speech, read_speech
from services.ingestion.threads import in_thread
from services.ingestion.track import TRACK_TYPE, TrackFile
from services.kit import messages as m
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.contracts import (
    ANALYSIS_RATE_HZ,
    CHUNK_FRAMES,
    CHUNK_SAMPLES,
    FRAME_RATE_HZ,
    Segment,
    Sound,
)
from services.kit.errors import BadInput, Unavailable
from services.kit.media.driver import probe_driver
from services.kit.retry import retrying
from services.kit.topics import SEGMENTS, STATUSES

__all__ = ["Takes"]

_STAGE: Final = "ingestion"
# The first segment leaves alone, so that the others can begin; then batches keep the overhead low.
_BATCH: Final = 16
_TRACK_STEP_S: Final = 10.0
_STORAGE_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


class Takes:
    """Ingests performances. The same performance gives the same messages and blobs whenever it is done."""

    def __init__(self, bus: Bus, blobs: Blobs, inputs: Inputs, workspace: Path) -> None:
        self._bus = bus
        self._blobs = blobs
        self._inputs = inputs
        self._workspace = workspace

    async def ingest(self, performance: m.Performance) -> None:
        """Publish the length and the segments of a performance, and store its soundtrack before the last.

        Raises BadInput when the user's input cannot be used, Retryable when something else is in the way.
        """
        with TemporaryDirectory(dir=self._workspace, ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "input"
            with _faults_of(path):
                key = await self._inputs.fetch(performance, path)
                if performance.driver_uri or performance.driver_url:
                    await self._ingest_driver(performance, path, key)
                else:
                    await self._ingest_speech(performance, path)

    async def _ingest_speech(self, performance: m.Performance, path: Path) -> None:
        info = await in_thread(lambda: probe_speech(path))
        if info.duration_s is not None and info.duration_s > 0:
            check_length("speech", info.duration_s, performance.max_duration_s)
            await self._measure(performance, num_frames(info.duration_s, FRAME_RATE_HZ), 0)
        opening = replace(performance.opening, soundtrack_uri=_track_key(performance))
        sound = await in_thread(lambda: open_sound(path))
        async with self._storing_track(performance, sound, path) as track:
            await self._publish_speech(performance, opening, path, track)

    async def _publish_speech(
        self, performance: m.Performance, opening: m.Opening, path: Path, track: asyncio.Task[None]
    ) -> None:
        segments = read_speech(path)
        try:
            batch = await in_thread(lambda: list(islice(segments, 1)))
            while batch:
                last = batch[-1]
                duration_s = _seconds_until(last.sequence) + last.samples.size / ANALYSIS_RATE_HZ
                check_length("speech", duration_s, performance.max_duration_s)
                if last.is_final:
                    await track
                    await self._measure(performance, _count_frames(last), 1)
                await self._publish([_to_message(performance, opening, segment) for segment in batch])
                batch = await in_thread(lambda: list(islice(segments, _BATCH)))
        finally:
            segments.close()

    async def _ingest_driver(self, performance: m.Performance, path: Path, key: str) -> None:
        info = await in_thread(lambda: probe_driver(path))
        length_s = await in_thread(lambda: measure_driver(path)) + 1 / FRAME_RATE_HZ
        check_length("driver", length_s, performance.max_duration_s)
        await self._measure(performance, num_pictures(length_s, FRAME_RATE_HZ), 0)
        opening = performance.opening
        sound = await in_thread(lambda: open_driver_sound(path, info.start_s))
        if sound is not None:
            opening = replace(opening, soundtrack_uri=_track_key(performance))
            async with self._storing_track(performance, sound, path, length_s + 1.0) as track:
                await track
        segment = m.Segment(
            envelope=_envelope(performance, 0),
            speech=np.zeros(0, np.float32),
            is_final=True,
            opening=opening,
            driver_uri=key,
            directions=performance.directions,
        )
        await self._publish([segment])

    @asynccontextmanager
    async def _storing_track(
        self, performance: m.Performance, sound: Sound, path: Path, end_s: float = float("inf")
    ) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self._store_track(_track_key(performance), sound, path, end_s))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _store_track(self, key: str, sound: Sound, path: Path, end_s: float) -> None:
        track_path = path.with_name("soundtrack.m4a")
        with TrackFile(track_path, sound) as track:
            reached_s, has_more = 0.0, True
            while has_more and reached_s < end_s:
                reached_s = min(reached_s + _TRACK_STEP_S, end_s)
                has_more = await in_thread(partial(track.encode_until, reached_s))
        await retrying(lambda: self._blobs.put_file(key, track_path, TRACK_TYPE))

    async def _measure(self, performance: m.Performance, frames: int, sequence: int) -> None:
        status = m.Status(
            envelope=_envelope(performance, sequence),
            stage=_STAGE,
            kind=m.StatusKind.MEASURED,
            num_frames=frames,
        )
        await retrying(lambda: self._bus.publish([STATUSES.outgoing(status)]))

    async def _publish(self, segments: Sequence[m.Segment]) -> None:
        records = [SEGMENTS.outgoing(segment) for segment in segments]
        await retrying(lambda: self._bus.publish(records))


def _to_message(performance: m.Performance, opening: m.Opening, segment: Segment) -> m.Segment:
    start_s, end_s = _seconds_until(segment.sequence), _seconds_until(segment.sequence + 1)
    return m.Segment(
        envelope=_envelope(performance, segment.sequence),
        speech=segment.samples,
        is_final=segment.is_final,
        opening=opening if segment.sequence == 0 else None,
        directions=in_force(performance.directions, start_s, end_s),
    )


def _seconds_until(sequence: int) -> float:
    """When a segment begins; one division, so that no error adds up."""
    return sequence * CHUNK_SAMPLES / ANALYSIS_RATE_HZ


def _count_frames(last: Segment) -> int:
    """How many pictures a speech with this last segment gets."""
    rest_s = last.samples.size / ANALYSIS_RATE_HZ
    return last.sequence * CHUNK_FRAMES + num_frames(rest_s, FRAME_RATE_HZ)


def _envelope(performance: m.Performance, sequence: int) -> m.Envelope:
    """The envelope of a message; it keeps the performance's time, so that it is the same again."""
    return replace(performance.envelope, sequence=sequence)


def _track_key(performance: m.Performance) -> str:
    envelope = performance.envelope
    return f"{envelope.tenant}/performances/{envelope.session_id}/{envelope.epoch}/soundtrack.m4a"


@contextmanager
def _faults_of(path: Path) -> Iterator[None]:
    """Keep the temporary path out of errors, and tell a full disk from a bad input."""
    try:
        yield
    except BadInput as error:
        detail = str(error).replace(f" {path}", "")
        raise InputFault(
            error.code if isinstance(error, InputFault) else "input_unreadable", detail
        ) from error
    except OSError as error:
        if error.errno not in _STORAGE_ERRORS:
            raise
        raise Unavailable(f"the workspace cannot be written: {error.strerror}") from error
