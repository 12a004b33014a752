from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from models.lpm.config import tiny
from models.lpm.windows import ListenWindows, SpeakWindows
from services.encoding.streams import StreamsEncoder
from services.kit.contracts import CHUNK_SAMPLES, FRAME_SAMPLES, Cue, FloatArray, Segment

CONFIG = tiny()


def _noise(num_samples: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(0, 0.1, num_samples).astype(np.float32)


def _segments(speech: FloatArray | None, listen: FloatArray | None = None) -> list[Segment]:
    """Segments of streams of one length."""
    size = next(len(stream) for stream in (speech, listen) if stream is not None)
    starts = range(0, size, CHUNK_SAMPLES)
    return [
        Segment(
            sequence=sequence,
            is_final=start == starts[-1],
            speech=None if speech is None else speech[start : start + CHUNK_SAMPLES],
            listen=None if listen is None else listen[start : start + CHUNK_SAMPLES],
        )
        for sequence, start in enumerate(starts)
    ]


def _encode(segments: Iterable[Segment]) -> Iterator[Cue]:
    encoder = StreamsEncoder(CONFIG)
    for segment in segments:
        yield from encoder.push(segment)


def _present(windows: Iterable[FloatArray | None]) -> list[FloatArray]:
    return [window for window in windows if window is not None]


def _windows(cues: list[Cue], stream: str) -> list[FloatArray | None]:
    return [cue.speak if stream == "speech" else cue.listen for cue in cues]


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
@pytest.mark.parametrize("stream", ["speech", "listen"])
def test_cues_count_the_frames_that_a_stream_fills(
    stream: str, num_samples: int, expected: list[int]
) -> None:
    noise = _noise(num_samples)
    segments = _segments(noise) if stream == "speech" else _segments(None, noise)
    assert [cue.num_frames for cue in _encode(segments)] == expected


def test_every_cue_has_the_windows_its_engine_wants() -> None:
    cues = list(_encode(_segments(_noise(4 * CHUNK_SAMPLES), _noise(4 * CHUNK_SAMPLES, 1))))
    channels = CONFIG.logmel.channels
    assert {w.shape for w in _present(cue.speak for cue in cues)} == {(CONFIG.window_mels, channels)}
    assert {w.shape for w in _present(cue.listen for cue in cues)} == {(CONFIG.listen_mels, channels)}
    assert [cue.sequence for cue in cues] == [0, 1, 2, 3]


def test_the_windows_are_those_of_each_stream_alone() -> None:
    speech, listen = _noise(4 * CHUNK_SAMPLES), _noise(4 * CHUNK_SAMPLES, 1)
    cues = list(_encode(_segments(speech, listen)))
    speak_windows, listen_windows = SpeakWindows(CONFIG), ListenWindows(CONFIG)
    spoken = [*speak_windows.push(speech), *speak_windows.flush()]
    heard = [*listen_windows.push(listen), *listen_windows.flush()]
    assert np.array_equal(_present(cue.speak for cue in cues), spoken)
    assert np.array_equal(_present(cue.listen for cue in cues), heard)


def test_a_cue_waits_for_no_more_than_one_segment_beyond_its_own() -> None:
    pushed: list[int] = []

    def segments() -> Iterator[Segment]:
        for segment in _segments(_noise(8 * CHUNK_SAMPLES), _noise(8 * CHUNK_SAMPLES, 1)):
            pushed.append(segment.sequence)
            yield segment

    for cue in _encode(segments()):
        assert pushed[-1] <= cue.sequence + 1


def test_what_is_said_to_the_character_is_never_heard_before_its_chunk() -> None:
    segments = _segments(_noise(4 * CHUNK_SAMPLES), _noise(4 * CHUNK_SAMPLES, 1))
    changed = [*segments[:2], *(replace(s, listen=_noise(CHUNK_SAMPLES, 2)) for s in segments[2:])]
    first, second = (_present(cue.listen for cue in _encode(each)) for each in (segments, changed))
    assert [np.array_equal(a, b) for a, b in zip(first, second, strict=True)] == [True, True, False, False]


@pytest.mark.parametrize("absent", ["speech", "listen"])
def test_an_absent_stream_has_no_window_and_leaves_silence_in_later_ones(absent: str) -> None:
    segments = _segments(_noise(5 * CHUNK_SAMPLES), _noise(5 * CHUNK_SAMPLES, 1))
    gone = replace(segments[1], speech=None) if absent == "speech" else replace(segments[1], listen=None)
    quiet = np.zeros(CHUNK_SAMPLES, np.float32)
    silent = replace(gone, speech=quiet) if absent == "speech" else replace(gone, listen=quiet)
    without, with_silence = (list(_encode([segments[0], each, *segments[2:]])) for each in (gone, silent))
    assert [index for index, window in enumerate(_windows(without, absent)) if window is None] == [1]
    expected = _windows(with_silence, absent)
    del expected[1]
    assert np.array_equal(_present(_windows(without, absent)), _present(expected))


def test_a_chunk_without_any_stream_is_whole() -> None:
    cues = list(_encode([Segment(sequence=0, is_final=False), Segment(sequence=1, is_final=True)]))
    assert [(cue.num_frames, cue.speak, cue.listen) for cue in cues] == [(5, None, None)] * 2
