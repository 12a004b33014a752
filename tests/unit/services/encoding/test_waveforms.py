from __future__ import annotations

import numpy as np
import pytest

from services.encoding.waveforms import WaveformsEncoder
from services.kit.contracts import CHUNK_SAMPLES, FRAME_SAMPLES, FloatArray, Segment


def _noise(count: int) -> FloatArray:
    return np.random.default_rng(count).normal(size=count).astype(np.float32)


def test_a_segment_becomes_a_cue_with_its_samples_at_once() -> None:
    speech = _noise(CHUNK_SAMPLES)

    (cue,) = WaveformsEncoder().push(Segment(sequence=3, is_final=False, speech=speech))

    assert (cue.sequence, cue.num_frames) == (3, 5)
    assert cue.waveform is not None
    np.testing.assert_array_equal(cue.waveform, speech)
    assert cue.speak is cue.listen is cue.motion is None


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (FRAME_SAMPLES, 1), (FRAME_SAMPLES + 100, 2)])
def test_the_last_cue_shows_the_frames_that_its_samples_begin(samples: int, frames: int) -> None:
    (cue,) = WaveformsEncoder().push(Segment(sequence=0, is_final=True, speech=_noise(samples)))

    assert cue.num_frames == frames
    assert cue.waveform is not None
    assert cue.waveform.size == samples


def test_where_nothing_is_said_a_waveform_is_silent() -> None:
    encoder = WaveformsEncoder()

    (absent,) = encoder.push(Segment(sequence=0, is_final=False))
    (empty,) = encoder.push(Segment(sequence=1, is_final=True, speech=_noise(0)))

    assert absent.waveform is not None
    assert empty.waveform is not None
    assert (absent.waveform.size, empty.waveform.size) == (CHUNK_SAMPLES, 1)
    assert not absent.waveform.any()
    assert not empty.waveform.any()
