"""Phrases are found by their energy, whatever the recording's level and room."""

from __future__ import annotations

import numpy as np
import pytest

from services.kit.contracts import ANALYSIS_RATE_HZ
from tests.bench.phrases import Span, find_phrases, mark, spans, widened
from tests.unit.tooling.bench.sounds import spoken


@pytest.mark.parametrize("level", [0.3, 0.01])
def test_phrases_are_found_at_any_level(level: float) -> None:
    phrases = find_phrases(spoken((0.4, 1.2), (2.0, 3.2), level=level))

    assert phrases == [Span(first=10, end=30), Span(first=50, end=80)]


def test_a_pause_of_a_fifth_of_a_second_parts_two_phrases_and_a_shorter_one_does_not() -> None:
    assert len(find_phrases(spoken((0.4, 1.2), (1.4, 2.0)))) == 2
    assert find_phrases(spoken((0.4, 1.2), (1.36, 2.0))) == [Span(first=10, end=50)]


def test_a_steady_room_is_no_phrase() -> None:
    room = 0.004 * np.random.default_rng(1).standard_normal(4 * ANALYSIS_RATE_HZ).astype(np.float32)

    assert find_phrases(spoken((1.0, 2.0)) + room) == [Span(first=25, end=50)]


def test_a_click_is_no_phrase() -> None:
    assert find_phrases(spoken((0.4, 1.2), (3.0, 3.04))) == [Span(first=10, end=30)]


def test_digital_silence_has_no_phrase() -> None:
    assert find_phrases(spoken()) == []


def test_marks_cover_their_phrases_alone() -> None:
    assert spans(mark([Span(first=2, end=5)], 9)) == [Span(first=2, end=5)]


def test_widening_reaches_both_ways_and_not_beyond_the_recording() -> None:
    assert spans(widened(mark([Span(first=1, end=3)], 9), 2)) == [Span(first=0, end=5)]
