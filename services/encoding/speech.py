"""Speech segments become cues: the log-mel window around each chunk, on the engine's terms."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from models.lpm.config import LpmConfig
from models.lpm.windows import SpeakWindows
from services.kit.contracts import CHUNK_SAMPLES, FRAME_SAMPLES, Cue, FloatArray, Segment

__all__ = ["SpeechEncoder", "encode_speech"]

# A sound that ends this little into a frame does not deserve the frame.
_TOLERANCE_SAMPLES: Final = 16


class SpeechEncoder:
    """Turns the segments of one speech to cues, as soon as the look-ahead of `config` beyond each is known.

    Before the start and after the end there is silence. The last cue counts the frames that the
    speech fills, a begun one included. Memory is bounded.
    """

    def __init__(self, config: LpmConfig) -> None:
        self._windows = SpeakWindows(config)
        self._waiting: deque[Segment] = deque()

    def push(self, segment: Segment) -> list[Cue]:
        """The cues that are complete with this segment; with the final one, all that remain."""
        self._waiting.append(segment)
        return [self._answer(speak) for speak in self._windows_of(segment)]

    def _windows_of(self, segment: Segment) -> list[FloatArray]:
        if not segment.is_final:
            return self._windows.push(segment.samples)
        whole_chunk = np.pad(segment.samples, (0, CHUNK_SAMPLES - segment.samples.size))
        return [*self._windows.push(whole_chunk), *self._windows.flush()]

    def _answer(self, speak: FloatArray) -> Cue:
        segment = self._waiting.popleft()
        return Cue(sequence=segment.sequence, speak=speak, num_frames=_frames_in(segment))


def encode_speech(segments: Iterable[Segment], config: LpmConfig) -> Iterator[Cue]:
    """Yield one cue per segment, as `SpeechEncoder` gives them."""
    encoder = SpeechEncoder(config)
    for segment in segments:
        yield from encoder.push(segment)


def _frames_in(segment: Segment) -> int:
    return max(1, -(-(segment.samples.size - _TOLERANCE_SAMPLES) // FRAME_SAMPLES))
