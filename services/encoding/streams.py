"""Segments become cues: the log-mel windows of both streams for each chunk, on the engine's terms."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from models.lpm.config import LpmConfig
from models.lpm.windows import ListenWindows, SpeakWindows
from services.kit.contracts import CHUNK_SAMPLES, FRAME_SAMPLES, Cue, FloatArray, Segment

__all__ = ["StreamsEncoder", "frames_in"]

# A sound that ends this little into a frame does not deserve the frame.
_TOLERANCE_SAMPLES: Final = 16


class StreamsEncoder:
    """Turns the segments of one session to cues, as soon as the look-ahead of `config` beyond each is known.

    Only the character's own speech is looked ahead into. Before the start, after the end and where a
    stream is absent its windows hold silence; the cue of a chunk without the stream has no window of it.
    The last cue counts the frames that the segment fills, a begun one included. Memory is bounded.
    """

    def __init__(self, config: LpmConfig) -> None:
        self._speak_windows, self._listen_windows = SpeakWindows(config), ListenWindows(config)
        self._segments: deque[Segment] = deque()
        self._spoken: deque[FloatArray] = deque()
        self._heard: deque[FloatArray] = deque()

    def push(self, segment: Segment) -> list[Cue]:
        """The cues that are complete with this segment; with the final one, all that remain."""
        self._segments.append(segment)
        self._spoken.extend(_pushed(self._speak_windows, segment.speech, is_final=segment.is_final))
        self._heard.extend(_pushed(self._listen_windows, segment.listen, is_final=segment.is_final))
        count = min(len(self._spoken), len(self._heard))
        return [self._answer() for _ in range(count)]

    def _answer(self) -> Cue:
        segment, speak, listen = self._segments.popleft(), self._spoken.popleft(), self._heard.popleft()
        return Cue(
            sequence=segment.sequence,
            num_frames=frames_in(segment),
            speak=None if segment.speech is None else speak,
            listen=None if segment.listen is None else listen,
        )


def _pushed(
    windows: SpeakWindows | ListenWindows, samples: FloatArray | None, *, is_final: bool
) -> list[FloatArray]:
    chunk = np.zeros(CHUNK_SAMPLES, np.float32)
    if samples is not None:
        chunk[: samples.size] = samples
    completed = windows.push(chunk)
    return [*completed, *windows.flush()] if is_final else completed


def frames_in(segment: Segment) -> int:
    """The frames that a segment fills, one that is begun included; there is at least one."""
    return max(1, -(-(segment.num_samples - _TOLERANCE_SAMPLES) // FRAME_SAMPLES))
