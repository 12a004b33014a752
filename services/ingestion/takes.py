"""One performance from its input to its last segment: the work of a session, without its life."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial, reduce
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from services.ingestion.domain import (
    InputFault,
    check_directions,
    check_length,
    in_force,
    num_frames,
    num_pictures,
)
from services.ingestion.driver import measure_driver
from services.ingestion.inputs import Inputs, inputs_of
from services.ingestion.mix import open_mix
from services.ingestion.notices import notices_of
from services.ingestion.soundtrack import open_driver_sound, open_sound
from services.ingestion.speech import probe_speech
from services.ingestion.streams import Streams
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
            paths = {name: Path(folder, name) for name in inputs_of(performance)}
            with _faults_of(paths.values()):
                keys = {name: await self._inputs.fetch(performance, name, paths[name]) for name in paths}
                if "driver" in paths:
                    await self._ingest_driver(performance, paths["driver"], keys["driver"])
                else:
                    await self._ingest_tracks(performance, paths)

    async def _ingest_tracks(self, performance: m.Performance, paths: Mapping[str, Path]) -> None:
        claims_s = [await self._probe(performance, name, path) for name, path in paths.items()]
        if all(claims_s):
            await self._measure(performance, num_frames(max(claims_s), FRAME_RATE_HZ), 0)
        opening = replace(performance.opening, soundtrack_uri=_track_key(performance))
        sound = await in_thread(lambda: _open_sound(paths))
        folder = next(iter(paths.values())).parent
        async with self._storing_track(performance, sound, folder) as track:
            await self._publish_tracks(performance, opening, Streams(paths), track)

    async def _probe(self, performance: m.Performance, name: str, path: Path) -> float:
        """How long a track says it is, 0 when it does not say."""
        info = await in_thread(lambda: probe_speech(path, name))
        claim_s = max(0.0, info.duration_s or 0.0)
        check_length(name, claim_s, performance.max_duration_s)
        return claim_s

    async def _publish_tracks(
        self, performance: m.Performance, opening: m.Opening, streams: Streams, track: asyncio.Task[None]
    ) -> None:
        segments = streams.read()
        unused = dict.fromkeys(performance.directions)
        try:
            batch = await in_thread(lambda: list(islice(segments, 1)))
            while batch:
                last = batch[-1]
                duration_s = _seconds_until(last.sequence) + last.num_samples / ANALYSIS_RATE_HZ
                name = "listen" if last.speech is None else "speech"
                check_length(name, duration_s, performance.max_duration_s)
                messages = [_to_message(performance, opening, segment) for segment in batch]
                for direction in chain.from_iterable(message.directions for message in messages):
                    unused.pop(direction, None)
                if last.is_final:
                    # How long a text will be spoken, nobody can know when they direct it.
                    if performance.speech_text is None:
                        check_directions(performance.directions, duration_s)
                    await track
                    notices = notices_of(streams.lengths_s, unused)
                    await self._measure(performance, _count_frames(last), 1, notices)
                await self._publish(messages)
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
            async with self._storing_track(performance, sound, path.parent, length_s + 1.0) as track:
                await track
        segment = m.Segment(
            envelope=_envelope(performance, 0),
            speech=None,
            is_final=True,
            opening=opening,
            driver_uri=key,
            directions=performance.directions,
        )
        await self._publish([segment])

    @asynccontextmanager
    async def _storing_track(
        self, performance: m.Performance, sound: Sound, folder: Path, end_s: float = float("inf")
    ) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self._store_track(_track_key(performance), sound, folder, end_s))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _store_track(self, key: str, sound: Sound, folder: Path, end_s: float) -> None:
        track_path = folder / "soundtrack.m4a"
        with TrackFile(track_path, sound) as track:
            reached_s, has_more = 0.0, True
            while has_more and reached_s < end_s:
                reached_s = min(reached_s + _TRACK_STEP_S, end_s)
                has_more = await in_thread(partial(track.encode_until, reached_s))
        await retrying(lambda: self._blobs.put_file(key, track_path, TRACK_TYPE))

    async def _measure(
        self, performance: m.Performance, frames: int, sequence: int, notices: tuple[m.Notice, ...] = ()
    ) -> None:
        status = m.Status(
            envelope=_envelope(performance, sequence),
            stage=_STAGE,
            kind=m.StatusKind.MEASURED,
            num_frames=frames,
            notices=notices,
        )
        await retrying(lambda: self._bus.publish([STATUSES.outgoing(status)]))

    async def _publish(self, segments: Sequence[m.Segment]) -> None:
        records = [SEGMENTS.outgoing(segment) for segment in segments]
        await retrying(lambda: self._bus.publish(records))


def _open_sound(paths: Mapping[str, Path]) -> Sound:
    """What will be heard: the only track as it is, or both of them beside each other."""
    if len(paths) > 1:
        return open_mix(paths["speech"], paths["listen"])
    [(name, path)] = paths.items()
    return open_sound(path, name)


def _to_message(performance: m.Performance, opening: m.Opening, segment: Segment) -> m.Segment:
    # What begins inside a chunk is in force from the next one on.
    directions = in_force(performance.directions, _seconds_until(segment.sequence))
    return m.Segment(
        envelope=_envelope(performance, segment.sequence),
        speech=segment.speech,
        listen=segment.listen,
        is_final=segment.is_final,
        opening=opening if segment.sequence == 0 else None,
        directions=directions,
    )


def _seconds_until(sequence: int) -> float:
    """When a segment begins; one division, so that no error adds up."""
    return sequence * CHUNK_SAMPLES / ANALYSIS_RATE_HZ


def _count_frames(last: Segment) -> int:
    """How many pictures a performance with this last segment gets."""
    rest_s = last.num_samples / ANALYSIS_RATE_HZ
    return last.sequence * CHUNK_FRAMES + num_frames(rest_s, FRAME_RATE_HZ)


def _envelope(performance: m.Performance, sequence: int) -> m.Envelope:
    """The envelope of a message; it keeps the performance's time, so that it is the same again."""
    return replace(performance.envelope, sequence=sequence)


def _track_key(performance: m.Performance) -> str:
    envelope = performance.envelope
    return f"{envelope.tenant}/performances/{envelope.session_id}/{envelope.epoch}/soundtrack.m4a"


@contextmanager
def _faults_of(paths: Iterable[Path]) -> Iterator[None]:
    """Keep the temporary paths out of errors, and tell a full disk from a bad input."""
    try:
        yield
    except BadInput as error:
        detail = reduce(lambda text, path: text.replace(f" {path}", ""), paths, str(error))
        raise InputFault(
            error.code if isinstance(error, InputFault) else "input_unreadable", detail
        ) from error
    except OSError as error:
        if error.errno not in _STORAGE_ERRORS:
            raise
        raise Unavailable(f"the workspace cannot be written: {error.strerror}") from error
