from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ingestion.streams import Streams
from services.kit.contracts import Segment
from services.kit.errors import BadInput

Tone = Callable[..., NDArray[np.float32]]
AudioWriter = Callable[..., Path]


@pytest.fixture
def tracks(tone: Tone, write_audio: AudioWriter) -> Callable[..., Streams]:
    """Tracks of these lengths."""

    def make(**lengths_s: float) -> Streams:
        paths = {
            name: write_audio(f"{name}.wav", tone(length_s, hertz=len(name) * 50), codec="pcm_f32le")
            for name, length_s in lengths_s.items()
        }
        return Streams(paths)

    return make


def presence(segments: list[Segment]) -> str:
    """A letter a segment: both, speech, listen."""
    letters = {(True, True): "b", (True, False): "s", (False, True): "l"}
    return "".join(letters[s.speech is not None, s.listen is not None] for s in segments)


@pytest.mark.parametrize(
    ("lengths_s", "expected"),
    [
        ({"speech": 1.0, "listen": 1.0}, "bbbbb"),
        ({"speech": 1.0, "listen": 0.5}, "bbbss"),
        ({"speech": 0.5, "listen": 1.0}, "bbbll"),
        ({"speech": 0.4, "listen": 0.9}, "bblll"),
        ({"speech": 0.5}, "sss"),
        ({"listen": 0.5}, "lll"),
    ],
    ids=str,
)
def test_a_track_is_absent_from_the_chunk_after_its_end(
    lengths_s: dict[str, float], expected: str, tracks: Callable[..., Streams]
) -> None:
    segments = list(tracks(**lengths_s).read())
    assert presence(segments) == expected
    assert [s.sequence for s in segments] == list(range(len(expected)))
    assert [s.is_final for s in segments] == [False] * (len(expected) - 1) + [True]


def test_the_chunk_a_track_ends_in_is_completed_with_silence(
    tracks: Callable[..., Streams], tone: Tone
) -> None:
    segments = list(tracks(speech=1.0, listen=0.5).read())
    ending = segments[2].listen
    assert ending is not None
    assert ending.size == 3200
    assert np.array_equal(ending[:1600], tone(0.5, hertz=300)[6400:, 0])
    assert not ending[1600:].any()


def test_in_the_last_chunk_both_streams_end_with_the_longer(tracks: Callable[..., Streams]) -> None:
    last = list(tracks(speech=0.25, listen=0.35).read())[-1]
    assert last.speech is not None
    assert last.listen is not None
    assert (last.speech.size, last.listen.size, last.num_samples) == (2400, 2400, 2400)


def test_the_lengths_are_those_of_the_tracks(tracks: Callable[..., Streams]) -> None:
    streams = tracks(speech=1.0, listen=0.53)
    assert len(list(streams.read())) == 5
    assert streams.lengths_s == {"speech": 1.0, "listen": 0.53}


def test_a_track_that_cannot_be_read_is_named(tmp_path: Path, tone: Tone, write_audio: AudioWriter) -> None:
    (tmp_path / "b.wav").write_bytes(b"no sound " * 500)
    with pytest.raises(BadInput, match=r"^listen "):
        list(Streams({"speech": write_audio("a.wav", tone(1.0)), "listen": tmp_path / "b.wav"}).read())
