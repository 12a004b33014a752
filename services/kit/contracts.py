"""The messages between the steps: what leaves ingestion, encoding and generation, and on which clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ANALYSIS_RATE_HZ",
    "CHUNK_FRAMES",
    "CHUNK_SAMPLES",
    "FRAME_RATE_HZ",
    "FRAME_SAMPLES",
    "Chunk",
    "Cue",
    "FloatArray",
    "Footage",
    "Motion",
    "MotionIntensity",
    "Picture",
    "Pixels",
    "Segment",
    "Sound",
]

FloatArray = NDArray[np.float32]
Pixels = NDArray[np.uint8]

# The chunk clock: speech is heard at 16 kHz and answered in chunks of five frames (0.2 s).
FRAME_RATE_HZ: Final = 25
CHUNK_FRAMES: Final = 5
ANALYSIS_RATE_HZ: Final = 16_000
FRAME_SAMPLES: Final = ANALYSIS_RATE_HZ // FRAME_RATE_HZ
CHUNK_SAMPLES: Final = FRAME_SAMPLES * CHUNK_FRAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One chunk of what the character says (`speech`) and of what is said to it (`listen`).

    Each is [n] mono in [-1, 1], n = CHUNK_SAMPLES, fewer only when final and the same for both; None
    where the stream is absent, which is not silence: nobody is there.
    """

    sequence: int
    is_final: bool
    speech: FloatArray | None = None
    listen: FloatArray | None = None

    @property
    def num_samples(self) -> int:
        """How long the chunk is; one without any stream is whole."""
        stream = self.listen if self.speech is None else self.speech
        return CHUNK_SAMPLES if stream is None else stream.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One decoded picture of a driving video: [H, W, 3] RGB, upright, at `time_s` from its start."""

    time_s: float
    pixels: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionIntensity:
    """How much face and body move, each from 0, least, to 1, most; 0.5 is usual."""

    face: float = 0.5
    body: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What an engine needs for its next chunk, of `num_frames` frames: a whole one, or fewer in the last.

    `speak` is the log-mel window [T, channels] around the chunk, `listen` the one that ends with it; None
    where the stream is absent. `directions` are the texts in force, that which began last in front. Instead
    of streams there may be a driver's `motion` [num_frames, 58], or its `pictures` as in
    `Footage`: an engine that shows them some cues later shows `num_frames` frames now, at first none. Or
    there is the `waveform` [n], mono at 16 kHz, for an engine that has ears of its own.
    `intensity` is the session's, None where nobody asked for one.
    """

    sequence: int
    num_frames: int
    speak: FloatArray | None = None
    listen: FloatArray | None = None
    directions: tuple[str, ...] = ()
    intensity: MotionIntensity | None = None
    motion: FloatArray | None = None
    pictures: tuple[bytes, ...] = ()
    waveform: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What is seen of a driver in a chunk: a JPEG a frame, square around the face.

    It is empty where no face is seen, and after the driver's end. `num_frames` are those of the chunk that
    leaves when these pictures have come.
    """

    sequence: int
    num_frames: int
    pictures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """The motion frames [F, 58] of one chunk, in the order of `models.motion`; F <= CHUNK_FRAMES."""

    sequence: int
    frames: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The pictures [F, H, W, 3] RGB of one chunk; F <= CHUNK_FRAMES."""

    sequence: int
    frames: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """The sound to hear beside the pictures, from time zero.

    `blocks` yields interleaved samples [n, channels] of any n, once; `layout` is FFmpeg's name of
    the channel layout, such as "mono", "stereo" or "5.1".
    """

    rate_hz: int
    layout: str
    blocks: Iterator[FloatArray]
