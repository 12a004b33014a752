"""What is in a video: its file, and every decoded picture."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import av


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
