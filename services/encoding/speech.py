"""Speech segments become cues: the log-mel window around each chunk, on the engine's terms."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from models.lpm.config import LpmConfig
from models.lpm.windows import SpeakWindows
from services.kit.contracts import CHUNK_SAMPLES, FRAME_SAMPLES, Cue, FloatArray, Segment

__all__ = ["encode_speech"]

# A sound that ends this little into a frame does not deserve the frame.
_TOLERANCE_SAMPLES: Final = 16


def encode_speech(segments: Iterable[Segment], config: LpmConfig) -> Iterator[Cue]:
    """Yield one cue per segment, as soon as the look-ahead of `config` beyond it is known.

    Before the start and after the end there is silence. The last cue counts the frames that the
    speech fills, a begun one included.
    """
    windows = SpeakWindows(config)
    waiting: deque[Segment] = deque()
    for segment in segments:
        waiting.append(segment)
        for speak in _push(windows, segment):
            answered = waiting.popleft()
            yield Cue(sequence=answered.sequence, speak=speak, num_frames=_frames_in(answered))


def _push(windows: SpeakWindows, segment: Segment) -> list[FloatArray]:
    if not segment.is_final:
        return windows.push(segment.samples)
    whole_chunk = np.pad(segment.samples, (0, CHUNK_SAMPLES - segment.samples.size))
    return [*windows.push(whole_chunk), *windows.flush()]


def _frames_in(segment: Segment) -> int:
    return max(1, -(-(segment.samples.size - _TOLERANCE_SAMPLES) // FRAME_SAMPLES))
