from __future__ import annotations

import numpy as np
import pytest

from models.lpm.config import tiny
from services.encoding.speech import encode_speech
from services.ingestion.speech import to_segments
from services.kit.contracts import CHUNK_SAMPLES, FRAME_SAMPLES, Cue, FloatArray, Segment

CONFIG = tiny()


def _noise(num_samples: int) -> FloatArray:
    return np.random.default_rng(0).normal(0, 0.1, num_samples).astype(np.float32)


def _cues(num_samples: int) -> list[Cue]:
    return list(encode_speech(to_segments([_noise(num_samples)]), CONFIG))


@pytest.mark.parametrize(
    ("num_samples", "expected"),
    [
        (FRAME_SAMPLES, [1]),
        (FRAME_SAMPLES + 1, [1]),
        (FRAME_SAMPLES + 100, [2]),
        (CHUNK_SAMPLES, [5]),
        (CHUNK_SAMPLES + 1, [5, 1]),
        (3 * CHUNK_SAMPLES - 300, [5, 5, 5]),
    ],
)
def test_cues_count_the_frames_that_speech_fills(num_samples: int, expected: list[int]) -> None:
    assert [cue.num_frames for cue in _cues(num_samples)] == expected


def test_every_cue_has_the_window_its_engine_wants() -> None:
    cues = _cues(4 * CHUNK_SAMPLES)
    assert {cue.speak.shape for cue in cues} == {(CONFIG.window_mels, CONFIG.logmel.channels)}
    assert [cue.sequence for cue in cues] == [0, 1, 2, 3]


def test_a_cue_waits_for_no_more_than_one_segment_beyond_its_own() -> None:
    heard: list[int] = []

    def segments() -> list[Segment]:
        return [*to_segments([_noise(8 * CHUNK_SAMPLES)])]

    def listened() -> object:
        for segment in segments():
            heard.append(segment.sequence)
            yield segment

    for cue in encode_speech(listened(), CONFIG):  # type: ignore[arg-type]  # a generator of segments
        assert heard[-1] <= cue.sequence + 1


def test_neighbouring_windows_overlap_by_what_they_share() -> None:
    first, second, *_ = _cues(4 * CHUNK_SAMPLES)
    assert np.array_equal(first.speak[CONFIG.chunk_mels :], second.speak[: -CONFIG.chunk_mels])
