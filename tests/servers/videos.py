"""Drivers that are made of a portrait, and what is in a video: its file, and every decoded picture."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from services.kit.media.portrait import read_portrait

__all__ = ["DRIVER_FRAMES", "Fingerprint", "fingerprint", "pictures_of", "write_driver"]

DRIVER_FRAMES: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Equal for equal videos: the file's sha256, and one digest of each picture in order."""

    sha256: str
    pictures: tuple[str, ...]


def fingerprint(content: bytes) -> Fingerprint:
    """Decode an MP4 file and digest its pictures."""
    with av.open(io.BytesIO(content), mode="r") as container:
        pictures = tuple(
            hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()[:16]
            for frame in container.decode(video=0)
        )
    return Fingerprint(sha256=hashlib.sha256(content).hexdigest(), pictures=pictures)


def pictures_of(content: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The pictures RGB [n, H, W, 3] of an MP4 file."""
    with av.open(io.BytesIO(content), mode="r") as container:
        return np.stack([np.asarray(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)])


def write_driver(portrait: Path, path: Path, pixels_a_frame: int) -> Path:
    """Write a portrait that is carried to the side, DRIVER_FRAMES long at 25 fps, without a sound."""
    still = read_portrait(portrait)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = still.shape[1], still.shape[0], "yuv420p"
        for frame in range(DRIVER_FRAMES):
            moved = np.ascontiguousarray(np.roll(still, pixels_a_frame * frame, axis=1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode(None))
    return path
