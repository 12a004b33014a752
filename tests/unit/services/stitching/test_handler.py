from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.kit import messages as m
from services.kit.bus import Outgoing
from services.kit.consumer import Receipt
from services.kit.errors import BadMessage, BlobMissing, Stale, Unavailable
from services.kit.folder_blobs import FolderBlobs
from services.kit.memory_bus import MemoryBus
from services.kit.topics import CLIPS, STATUSES
from services.stitching.handler import Stitching

Encode = Callable[[int, int], list[bytes]]
WriteSoundtrack = Callable[[Path, NDArray[np.float32], int], Path]

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FOLDER = "ten_a/performances/per_a/0"


class _Clock:
    def __init__(self) -> None:
        self.time_s = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.time_s


OPENING = m.Opening(
    character_id="chr_a", portrait_uri="ten_a/portrait", face=0, size=64, engine="lpm", seed=0
)


class _Bus(MemoryBus):
    """Remembers what was published; does not answer the first `failures` times."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.published: list[Outgoing] = []
        self._failures = failures

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if self._failures:
            self._failures -= 1
            raise Unavailable("the broker does not answer")
        self.published += records


class _Session:
    """One session at a stitching service of its own."""

    def __init__(self, folder: Path, encode: Encode, failures: int = 0) -> None:
        (folder / "workspace").mkdir(parents=True, exist_ok=True)
        self.bus = _Bus(failures)
        self.blobs = FolderBlobs(folder / "blobs")
        self.settled: list[int] = []
        self.still: set[int] = set()
        self.clock = _Clock()
        self.service = Stitching(self.bus, self.blobs, self.clock, folder / "workspace")
        self._encode = encode

    def chunk(self, sequence: int, *, final: int | None = None, epoch: int = 0) -> m.Chunk:
        clip, place = divmod(sequence, m.CLIP_CHUNKS)
        frames = self._encode(clip * 50, 50)[place * 5 : place * 5 + (3 if sequence == final else 5)]
        return m.Chunk(
            envelope=envelope(sequence, epoch),
            frames=tuple(frames),
            is_final=sequence == final,
            opening=OPENING if place == 0 else None,
            motion=motion_of(sequence, len(frames)) if sequence not in self.still else None,
        )

    def receipt(self, sequence: int) -> Receipt:
        return Receipt(0, lambda: self.settled.append(sequence))

    async def take(self, *sequences: int, final: int | None = None, epoch: int = 0) -> None:
        for sequence in sequences:
            chunk = self.chunk(sequence, final=final, epoch=epoch)
            await self.service.take_chunk(chunk, self.receipt(sequence))

    def clips(self) -> list[m.Clip]:
        return [CLIPS.decode(r.value) for r in self.bus.published if r.topic == CLIPS.name]

    def statuses(self) -> list[m.Status]:
        return [STATUSES.decode(r.value) for r in self.bus.published if r.topic == STATUSES.name]


def motion_of(sequence: int, num_frames: int) -> NDArray[np.float32]:
    """The motion of a chunk: no two numbers of a video are alike."""
    rows = np.arange(sequence * 5 * 58, (sequence * 5 + num_frames) * 58, dtype=np.float32)
    return rows.reshape(num_frames, 58)


def envelope(sequence: int, epoch: int = 0) -> m.Envelope:
    return m.Envelope(tenant="ten_a", session_id="per_a", epoch=epoch, sequence=sequence, created_at=NOW)


@pytest.fixture
def encode(encode_clip: Encode) -> Encode:
    made: dict[int, list[bytes]] = {}
    return lambda first, count: made.setdefault(first, encode_clip(first, count))


def test_a_full_clip_is_stored_announced_and_then_settled(tmp_path: Path, encode: Encode) -> None:
    session = _Session(tmp_path, encode)
    asyncio.run(session.take(*range(9)))
    assert (session.settled, session.clips()) == ([], [])
    asyncio.run(session.take(9))
    assert session.settled == list(range(10))
    (clip,) = session.clips()
    assert (clip.envelope, clip.first_frame, clip.num_frames, clip.is_final) == (envelope(0), 0, 50, False)
    assert clip.clip_uri == f"{FOLDER}/clips/000000"
    assert asyncio.run(session.blobs.info(clip.clip_uri)) is not None


def test_clips_of_an_engine_with_shorter_chunks_follow_each_other(tmp_path: Path, encode: Encode) -> None:
    session = _Session(tmp_path, encode)

    async def take() -> None:
        for sequence in range(12):
            clip, place = divmod(sequence, 10)
            frames = encode(clip * 40, 40)[place * 4 : place * 4 + (3 if sequence == 11 else 4)]
            chunk = m.Chunk(
                envelope=envelope(sequence),
                frames=tuple(frames),
                is_final=sequence == 11,
                opening=replace(OPENING, engine="personalive") if place == 0 else None,
            )
            await session.service.take_chunk(chunk, session.receipt(sequence))

    asyncio.run(take())
    assert [(clip.first_frame, clip.num_frames) for clip in session.clips()] == [(0, 40), (40, 7)]
    (status,) = session.statuses()
    assert (status.num_frames, status.motion_uri) == (47, "")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"frames": (b"a",) * 4}, "chunk 0 has 4 frames, expected 5"),
        ({"opening": None}, "names no engine that is known"),
    ],
)
def test_a_clip_that_is_not_on_the_clock_of_its_engine_is_refused(
    tmp_path: Path, encode: Encode, change: dict[str, object], found: str
) -> None:
    session = _Session(tmp_path, encode)
    odd = replace(session.chunk(0), **change)  # type: ignore[arg-type]  # fields of a chunk

    async def take() -> None:
        await session.service.take_chunk(odd, session.receipt(0))
        await session.take(*range(1, 10))

    with pytest.raises(BadMessage, match=found):
        asyncio.run(take())


def test_the_final_chunk_makes_the_video(
    tmp_path: Path, encode: Encode, write_soundtrack: WriteSoundtrack
) -> None:
    session = _Session(tmp_path, encode)
    sound = write_soundtrack(tmp_path / "s.m4a", np.zeros(40_000, np.float32), 16_000)
    asyncio.run(session.blobs.put_file(f"{FOLDER}/soundtrack.m4a", sound, "audio/mp4"))
    asyncio.run(session.take(*range(13), final=12))
    (status,) = session.statuses()
    video = asyncio.run(session.blobs.get(f"{FOLDER}/video.mp4"))
    assert (status.kind, status.stage, status.num_frames) == (m.StatusKind.FINISHED, "stitching", 63)
    assert (status.video_uri, status.size_bytes) == (f"{FOLDER}/video.mp4", len(video))
    assert status.sha256 == sha256(video).hexdigest()
    assert b"mp4a" in video
    assert session.settled == list(range(13))
    assert list((tmp_path / "workspace").iterdir()) == []


def test_the_motion_of_all_clips_is_put_beside_the_video(tmp_path: Path, encode: Encode) -> None:
    first = _Session(tmp_path, encode)
    asyncio.run(first.take(*range(16)))
    second = _Session(tmp_path, encode)
    asyncio.run(second.take(*range(10, 23), final=22))
    (status,) = second.statuses()
    motion = asyncio.run(second.blobs.get(status.motion_uri))
    assert status.motion_uri == f"{FOLDER}/motion"
    assert motion == np.arange(status.num_frames * 58, dtype="<f4").tobytes()


def test_a_video_whose_engine_makes_no_motion_has_none(tmp_path: Path, encode: Encode) -> None:
    session = _Session(tmp_path, encode)
    session.still = {11}
    asyncio.run(session.take(*range(13), final=12))
    (status,) = session.statuses()
    assert (status.kind, status.motion_uri) == (m.StatusKind.FINISHED, "")
    assert asyncio.run(session.blobs.info(f"{FOLDER}/motion")) is None


def test_duplicates_and_disorder_change_nothing(tmp_path: Path, encode: Encode) -> None:
    orderly, disorderly = (_Session(tmp_path / name, encode) for name in ("a", "b"))
    asyncio.run(orderly.take(*range(13), final=12))

    async def take_disorderly() -> None:
        await disorderly.take(0, 2, 1, 1, 4, 3, *range(10), 11, final=12)
        for sequence in (3, 9):
            with pytest.raises(Stale):
                await disorderly.take(sequence)
        await disorderly.take(10, 12, final=12)

    asyncio.run(take_disorderly())
    assert disorderly.clips() == orderly.clips()
    assert disorderly.statuses() == orderly.statuses()
    assert set(disorderly.settled) == set(range(13))


def test_a_new_owner_goes_on_at_the_unfinished_clip_to_the_same_video(tmp_path: Path, encode: Encode) -> None:
    undisturbed, first = (_Session(tmp_path / name, encode) for name in ("a", "b"))
    asyncio.run(undisturbed.take(*range(23), final=22))
    asyncio.run(first.take(*range(16)))
    assert first.settled == list(range(10))
    second = _Session(tmp_path / "b", encode)
    asyncio.run(second.take(*range(10, 23), final=22))
    assert [clip.envelope.sequence for clip in second.clips()] == [1, 2]
    assert second.statuses() == undisturbed.statuses()


@pytest.mark.parametrize("failures", [1, 2, 3, 4])
def test_a_chunk_tried_again_after_an_outage_is_not_taken_for_a_copy(
    failures: int, tmp_path: Path, encode: Encode
) -> None:
    session = _Session(tmp_path, encode, failures)

    async def take() -> None:
        for sequence in range(13):
            while True:
                try:
                    await session.take(sequence, final=12)
                    break
                except Unavailable:
                    assert sequence not in session.settled

    asyncio.run(take())
    assert [clip.envelope.sequence for clip in session.clips()] == [0, 1]
    assert [status.kind for status in session.statuses()] == [m.StatusKind.FINISHED]
    assert set(session.settled) == set(range(13))


def test_a_cancelled_session_is_dropped_and_settled(tmp_path: Path, encode: Encode) -> None:
    session = _Session(tmp_path, encode)
    asyncio.run(session.take(*range(5)))
    asyncio.run(session.service.take_control(m.Control(envelope=envelope(0), kind=m.ControlKind.CANCEL)))
    assert session.settled == list(range(5))
    with pytest.raises(Stale):
        asyncio.run(session.take(5))


def test_the_sessions_of_a_lost_partition_are_forgotten_unsettled(tmp_path: Path, encode: Encode) -> None:
    session = _Session(tmp_path, encode)
    asyncio.run(session.take(*range(5)))
    session.service.release(1)
    asyncio.run(session.take(5))
    session.service.release(0)
    assert session.settled == []
    with pytest.raises(Stale):
        asyncio.run(session.take(6))


def test_a_missing_clip_is_told_as_a_failure(tmp_path: Path, encode: Encode) -> None:
    session = _Session(tmp_path, encode)
    chunk = session.chunk(22, final=22)

    async def lose_a_clip() -> None:
        await session.take(*range(22))
        await session.blobs.delete(f"{FOLDER}/clips/000001")
        with pytest.raises(BlobMissing) as caught:
            await session.service.take_chunk(chunk, session.receipt(22))
        await session.service.report_failure(chunk, caught.value)

    asyncio.run(lose_a_clip())
    (status,) = session.statuses()
    assert (status.kind, status.code) == (m.StatusKind.FAILED, "blob_missing")
    assert "clips/000001" in status.detail
    assert set(session.settled) == set(range(23))


def test_epochs_have_files_of_their_own(tmp_path: Path, encode: Encode) -> None:
    session = _Session(tmp_path, encode)
    asyncio.run(session.take(*range(13), final=12))
    asyncio.run(session.take(*range(13), final=12, epoch=1))
    assert [status.video_uri for status in session.statuses()] == [
        "ten_a/performances/per_a/0/video.mp4",
        "ten_a/performances/per_a/1/video.mp4",
    ]


def test_a_session_that_nobody_goes_on_with_is_given_up(tmp_path: Path, encode: Encode) -> None:
    session = _Session(tmp_path, encode)
    asyncio.run(session.take(*range(4)))
    session.clock.time_s = 4000.0
    with pytest.raises(Stale):
        asyncio.run(session.take(4))
    assert session.settled == list(range(4))
