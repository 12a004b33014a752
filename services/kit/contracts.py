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
    "Motion",
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
    """One chunk of speech. `samples` is [n] mono in [-1, 1]; n = CHUNK_SAMPLES, fewer only when final."""

    sequence: int
    samples: FloatArray
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One decoded picture of a driving video: [H, W, 3] RGB, upright, at `time_s` from its start."""

    time_s: float
    pixels: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What an engine needs for one chunk: `speak` is the log-mel window [T, bands] around it.

    The chunk shows `num_frames` frames: CHUNK_FRAMES, fewer only in the last cue.
    """

    sequence: int
    speak: FloatArray
    num_frames: int


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
