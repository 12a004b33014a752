"""Streams exist or not by whole chunks, and carry nothing where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from training.worlds.conversation.cast import Line
from training.worlds.conversation.presence import Shape, around_speech, draw_presence, mute, while_there
from training.worlds.speech.phones import Phone


def line(start_s: float, end_s: float) -> Line:
    return Line(
        samples=np.zeros(1, np.float32),
        at_s=start_s,
        start_s=start_s,
        end_s=end_s,
        phones=(),
        phrases=(),
        is_backchannel=False,
    )


def test_a_stream_around_speech_ends_soon_after_it() -> None:
    phones = (
        Phone(symbol="sil", start_s=0.0, end_s=0.5),
        Phone(symbol="a", start_s=0.5, end_s=0.9),
        Phone(symbol="sil", start_s=0.9, end_s=2.0),
    )

    assert np.flatnonzero(around_speech(phones, 10)).tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("shape", "counts"), [("always", {20}), ("never", {0}), ("for a part", set(range(3, 18)))]
)
def test_a_shape_says_where_a_stream_may_be(shape: Shape, counts: set[int]) -> None:
    drawn, may = draw_presence(np.random.default_rng(0), {shape: 1.0}, 20)

    assert drawn == shape
    assert int(may.sum()) in counts


def test_a_stream_carries_only_lines_that_it_holds_whole() -> None:
    may = np.array([True] * 5 + [False] * 5)
    early, across, late = line(0.1, 0.7), line(0.6, 1.4), line(1.2, 1.8)

    assert while_there([early, across, late], may) == [early]


def test_an_absent_stream_is_silent() -> None:
    muted = mute(np.ones(2 * 3200, np.float32), np.array([False, True]))

    assert not muted[:3200].any()
    assert muted[3200:].all()
