"""Segments become cues that hold the sound itself, for an engine that has ears of its own."""

from __future__ import annotations

import numpy as np

from services.encoding.streams import frames_in
from services.kit.contracts import Cue, FloatArray, Segment

__all__ = ["WaveformsEncoder"]


class WaveformsEncoder:
    """Turns each segment of one session to a cue at once; where nothing is said its waveform is silent."""

    def push(self, segment: Segment) -> list[Cue]:
        """The cue of this segment."""
        return [
            Cue(sequence=segment.sequence, num_frames=frames_in(segment), waveform=_spoken(segment)),
        ]


def _spoken(segment: Segment) -> FloatArray:
    """The samples that are said, at least one of them."""
    if segment.speech is None or not segment.speech.size:
        return np.zeros(max(1, segment.num_samples), np.float32)
    return segment.speech
