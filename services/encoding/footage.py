"""A driving video becomes footage: squares around its face on the frame clock, for an engine that looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Final

import cv2
import numpy as np

from models.rig.framing import Square, cut_square, square_around
from models.rig.landmarks import FaceTracker
from services.encoding.faults import Fault
from services.kit.contracts import FRAME_RATE_HZ, FloatArray, Footage, Picture, Pixels
from services.kit.engines import EngineClock

__all__ = ["encode_footage", "to_jpeg"]

# What the engine looks at, in pixels a side.
SIDE: Final = 512
# Four of these stay below what travels inline.
_MAX_BYTES: Final = 96 * 1024
_QUALITIES: Final = (92, 85, 70, 50, 30, 10)
_UNSEEN: Final = b""


def encode_footage(pictures: Iterable[Picture], clock: EngineClock) -> Iterator[Footage]:
    """Yield what is seen of the driver, a chunk at a time, and then what lets the last of it leave.

    The square is found around the first face and stays where it is, so that the head moves in it. Nothing is
    yielded before a face was seen, so that nobody performs for one who is not there. Raises Fault when there
    is none.
    """
    frames = list[bytes]()
    num_chunks = num_frames = 0
    for frame in _once_seen(_on_clock(_watch(pictures))):
        frames.append(frame)
        if len(frames) == clock.chunk_frames:
            yield _footage(num_chunks, clock.chunk_frames if num_chunks >= clock.lag else 0, frames, clock)
            num_frames += len(frames)
            num_chunks, frames = num_chunks + 1, []
    yield from _rest(num_chunks, num_frames + len(frames), frames, clock)


def _rest(sequence: int, num_frames: int, frames: list[bytes], clock: EngineClock) -> Iterator[Footage]:
    """What follows the whole chunks before `sequence`: the `frames` begun, blanks until all are shown."""
    shown = max(0, sequence - clock.lag) * clock.chunk_frames
    following = chain([frames] if frames else [], repeat([]))
    while shown < num_frames:
        leaves = sequence >= clock.lag
        count = min(clock.chunk_frames, num_frames - shown) if leaves else 0
        yield _footage(sequence, count, next(following), clock)
        sequence, shown = sequence + 1, shown + count


def _footage(sequence: int, num_frames: int, frames: list[bytes], clock: EngineClock) -> Footage:
    missing = clock.chunk_frames - len(frames)
    return Footage(sequence=sequence, num_frames=num_frames, pictures=(*frames, *[_UNSEEN] * missing))


def _watch(pictures: Iterable[Picture]) -> Iterator[tuple[float, bytes]]:
    """The time of every picture, and the square around its face."""
    square: Square | None = None
    with FaceTracker() as tracker:
        for picture in pictures:
            points = tracker.read(picture.pixels)
            if square is None and points is not None:
                square = square_around(picture.pixels.shape, points, SIDE)
            yield picture.time_s, _seen(picture.pixels, square, points)


def _seen(pixels: Pixels, square: Square | None, points: FloatArray | None) -> bytes:
    if square is None or points is None or not _is_within(square, points):
        return _UNSEEN
    return to_jpeg(cut_square(pixels, square, SIDE))


def _is_within(square: Square, points: FloatArray) -> bool:
    centre = (points[:, :2].min(0) + points[:, :2].max(0)) / 2 - (square.left, square.top)
    return bool((centre >= 0).all() and (centre < square.side).all())


def _on_clock(watched: Iterable[tuple[float, bytes]]) -> Iterator[bytes]:
    """The nearest of pictures at rising times, at every frame up to the last of them."""
    frame = 0
    last_s, last = -1.0, _UNSEEN
    for time_s, now in watched:
        while frame / FRAME_RATE_HZ <= time_s:
            is_nearer = time_s - frame / FRAME_RATE_HZ <= frame / FRAME_RATE_HZ - last_s
            yield now if is_nearer else last
            frame += 1
        last_s, last = time_s, now


def _once_seen(frames: Iterator[bytes]) -> Iterator[bytes]:
    """The same frames, but none before one shows a face. Raises Fault when none does."""
    for num_unseen, frame in enumerate(frames):
        if frame != _UNSEEN:
            yield from chain(repeat(_UNSEEN, num_unseen), [frame], frames)
            return
    raise Fault("driver_without_face", "driver cannot be used: no frame of the video shows a face")


def to_jpeg(pixels: Pixels) -> bytes:
    """A picture RGB [H, W, 3] as JPEG, as fine as its bound of bytes allows."""
    for quality in _QUALITIES:
        done, data = cv2.imencode(
            ".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        assert done, "OpenCV has no JPEG encoder"
        if data.size <= _MAX_BYTES:
            break
    return np.asarray(data, np.uint8).tobytes()
