"""Stitching: chunks become clips as they come, and at the end clips and sound become one video."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import structlog

from services.kit import messages as m
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.consumer import Receipt, Route, settling
from services.kit.engines import CLOCKS
from services.kit.errors import BadMessage, BlobMissing, Rejected, Stale, Unavailable
from services.kit.rejections import failing
from services.kit.topics import CHUNKS, CLIPS, CONTROLS, STATUSES
from services.stitching.clips import CLIP_TYPE, mux_clip
from services.stitching.domain import Attempt, ReadyClip, SessionKey, Sessions
from services.stitching.video import VIDEO_TYPE, VideoFile

__all__ = ["Stitching", "routes"]

_STAGE: Final = "stitching"
_MOTION_TYPE: Final = "application/octet-stream"
_STORAGE_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
# Longer than the sweep waits before it begins a performance anew.
_PATIENCE_S: Final = 3600.0
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


# A list of routes holds messages of several types, which only Any can say.
def routes(bus: Bus, blobs: Blobs, clock: Clock, workspace: Path) -> list[Route[Any]]:
    """What stitching does with its topics; videos are put together in the folder `workspace`."""
    stitching = Stitching(bus, blobs, clock, workspace)
    return [
        Route(
            topic=CHUNKS,
            handle=stitching.take_chunk,
            release=stitching.release,
            on_rejected=stitching.report_failure,
        ),
        Route(topic=CONTROLS, handle=settling(stitching.take_control)),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A chunk that waits for the rest of its clip."""

    chunk: m.Chunk
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Video:
    """A finished video file."""

    num_frames: int
    size_bytes: int
    sha256: str


class Stitching:
    """Handles chunks and controls. A chunk is settled when the clip it is in is stored and announced."""

    def __init__(self, bus: Bus, blobs: Blobs, clock: Clock, workspace: Path) -> None:
        self._bus = bus
        self._blobs = blobs
        self._clock = clock
        self._workspace = workspace
        self._tell_failure = failing(bus, _STAGE, clock)
        self._sessions = Sessions[_Held](clip_chunks=m.CLIP_CHUNKS, let_go=lambda held: held.receipt.settle())

    async def take_chunk(self, chunk: m.Chunk, receipt: Receipt) -> None:
        """Hold a chunk, and finish the clips that it completes; with the last clip, the video."""
        key, envelope = _key(chunk.envelope), chunk.envelope
        now_s = self._clock.monotonic()
        for idle in self._sessions.drop_idle(now_s - _PATIENCE_S):
            _LOGGER.info("session.given_up", session_id=idle.session_id)
        attempt = self._sessions.attempt(key, envelope.epoch, envelope.sequence)
        attempt.touched_s = now_s
        attempt.hold(envelope.sequence, _Held(chunk=chunk, receipt=receipt), is_final=chunk.is_final)
        while (clip := attempt.ready_clip()) is not None:
            await self._announce(clip, envelope)
            if clip.is_final:
                await self._complete(clip.sequence + 1, envelope, attempt)
            if attempt.is_dropped:
                return
            for held in attempt.finish_clip():
                held.receipt.settle()
            if clip.is_final:
                self._sessions.end(key, envelope.epoch)

    async def take_control(self, control: m.Control) -> None:
        """Drop a cancelled session."""
        self._sessions.end(_key(control.envelope), control.envelope.epoch)

    async def report_failure(self, chunk: m.Chunk, error: Rejected) -> None:
        """Say that the session cannot be finished, and drop it."""
        await self._tell_failure(chunk, error)
        self._sessions.end(_key(chunk.envelope), chunk.envelope.epoch)

    def release(self, partition: int) -> None:
        """Forget the sessions of a partition that is no longer ours."""
        held = self._sessions.items()
        self._sessions.forget({key for key, item in held if item.receipt.partition == partition})

    async def _announce(self, clip: ReadyClip[_Held], envelope: m.Envelope) -> None:
        frames = [frame for held in clip.items for frame in held.chunk.frames]
        first_frame = clip.sequence * m.CLIP_CHUNKS * _chunk_frames([held.chunk for held in clip.items])
        uri = _clip_uri(envelope, clip.sequence)
        data = await asyncio.to_thread(mux_clip, frames, first_frame)
        await self._blobs.put(uri, data, CLIP_TYPE)
        motion = [held.chunk.motion for held in clip.items if held.chunk.motion is not None]
        if len(motion) == len(clip.items):
            rows = np.concatenate(motion).astype("<f4").tobytes()
            await self._blobs.put(_motion_uri(envelope, clip.sequence), rows, _MOTION_TYPE)
        announcement = m.Clip(
            envelope=self._address(envelope, clip.sequence),
            clip_uri=uri,
            first_frame=first_frame,
            num_frames=len(frames),
            is_final=clip.is_final,
        )
        await self._bus.publish([CLIPS.outgoing(announcement)])

    async def _complete(self, num_clips: int, envelope: m.Envelope, attempt: Attempt[_Held]) -> None:
        uri = f"{_folder(envelope)}/video.mp4"
        with TemporaryDirectory(dir=self._workspace, prefix="video-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "video.mp4"
            video = await self._assemble(path, num_clips, envelope, attempt)
            await self._blobs.put_file(uri, path, VIDEO_TYPE)
        motion_uri = await self._store_motion(num_clips, envelope)
        status = m.Status(
            envelope=self._address(envelope, 0),
            stage=_STAGE,
            kind=m.StatusKind.FINISHED,
            num_frames=video.num_frames,
            video_uri=uri,
            size_bytes=video.size_bytes,
            sha256=video.sha256,
            motion_uri=motion_uri,
        )
        await self._bus.publish([STATUSES.outgoing(status)])
        _LOGGER.info("video.finished", session_id=envelope.session_id, num_frames=video.num_frames)

    async def _store_motion(self, num_clips: int, envelope: m.Envelope) -> str:
        """Join the motion of all clips in one blob, and return its key; empty when a clip has none."""
        uri = f"{_folder(envelope)}/motion"
        parts = (await self._blobs.get(_motion_uri(envelope, number)) for number in range(num_clips))
        try:
            await self._blobs.put_stream(uri, parts, _MOTION_TYPE)
        except BlobMissing:
            return ""
        return uri

    async def _assemble(
        self, path: Path, num_clips: int, envelope: m.Envelope, attempt: Attempt[_Held]
    ) -> _Video:
        soundtrack = await self._fetch_soundtrack(envelope, path.with_name("soundtrack.m4a"))
        with _storage_errors(), VideoFile(path, soundtrack) as video:
            for sequence in range(num_clips):
                clip = await self._blobs.get(_clip_uri(envelope, sequence))
                await asyncio.to_thread(video.append, clip)
                if attempt.is_dropped:
                    raise Stale(f"session {envelope.session_id} was dropped while its video was written")
        digest = await asyncio.to_thread(_digest, path)
        return _Video(num_frames=video.num_frames, size_bytes=path.stat().st_size, sha256=digest)

    async def _fetch_soundtrack(self, envelope: m.Envelope, path: Path) -> Path | None:
        uri = f"{_folder(envelope)}/soundtrack.m4a"
        if await self._blobs.info(uri) is None:
            return None
        await self._blobs.get_file(uri, path)
        return path

    def _address(self, envelope: m.Envelope, sequence: int) -> m.Envelope:
        return m.Envelope(
            tenant=envelope.tenant,
            session_id=envelope.session_id,
            epoch=envelope.epoch,
            sequence=sequence,
            created_at=self._clock.now(),
        )


def _key(envelope: m.Envelope) -> SessionKey:
    return SessionKey(envelope.tenant, envelope.session_id)


def _folder(envelope: m.Envelope) -> str:
    return f"{envelope.tenant}/performances/{envelope.session_id}/{envelope.epoch}"


def _clip_uri(envelope: m.Envelope, sequence: int) -> str:
    return f"{_folder(envelope)}/clips/{sequence:06d}"


def _motion_uri(envelope: m.Envelope, sequence: int) -> str:
    return f"{_clip_uri(envelope, sequence)}.motion"


def _chunk_frames(clip: Sequence[m.Chunk]) -> int:
    """The frames of each chunk of a clip's session; its first chunk tells the engine.

    Raises BadMessage when one of them has another number of frames.
    """
    opening = clip[0].opening
    if opening is None or opening.engine not in CLOCKS:
        raise BadMessage(f"chunk {clip[0].envelope.sequence} begins a clip and names no engine that is known")
    expected = CLOCKS[opening.engine].chunk_frames
    for chunk in clip:
        found = len(chunk.frames)
        if found > expected or (found < expected and not chunk.is_final):
            raise BadMessage(f"chunk {chunk.envelope.sequence} has {found} frames, expected {expected}")
    return expected


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _storage_errors() -> Iterator[None]:
    """A full disk is mended by an operator, so the work is tried again."""
    try:
        yield
    except OSError as error:
        if error.errno not in _STORAGE_ERRORS:
            raise
        raise Unavailable(f"a video cannot be written: {error.strerror}") from error
