"""A listener answers what it hears, a little later."""

from __future__ import annotations

import numpy as np

from models.motion import FRAME_RATE_HZ
from training.worlds.conversation.reactions import before_pauses, draw_manner, nod, react
from training.worlds.speech.life import Accent, Phrase

TIMES_S = np.arange(1500) / FRAME_RATE_HZ
PHRASES = [Phrase(start_s=4.0 * k, end_s=4.0 * k + 2.0, is_question=False) for k in range(15)]


def phrase(start_s: float, end_s: float) -> Phrase:
    return Phrase(start_s=start_s, end_s=end_s, is_question=False)


def test_only_phrases_before_a_real_pause_are_noticed() -> None:
    said = [phrase(0.0, 1.0), phrase(1.1, 2.0), phrase(2.5, 3.0)]

    assert before_pauses(said) == [said[1], said[2]]
    assert before_pauses([]) == []


def test_a_nod_goes_down_and_comes_back_as_often_as_asked() -> None:
    pitch = nod(TIMES_S, 1.0, 3, 0.4)
    peaks = np.flatnonzero((pitch[1:-1] > pitch[:-2]) & (pitch[1:-1] >= pitch[2:]))

    assert len(peaks) == 3
    assert pitch.min() >= 0.0
    assert not pitch[TIMES_S <= 1.0].any()
    assert not pitch[TIMES_S >= 2.2].any()


def test_nods_follow_phrase_ends_and_keep_away_from_the_rest() -> None:
    rng = np.random.default_rng(0)
    pitch = react(rng, draw_manner(rng), PHRASES, [], np.ones_like(TIMES_S), TIMES_S).pitch
    since_s = (TIMES_S - 2.0) % 4.0

    assert np.abs(pitch[(since_s > 0.4) & (since_s < 1.1)]).mean() > 0.005
    assert not pitch[since_s < 0.36].any()
    assert not pitch[(since_s > 2.3) & (since_s < 3.9)].any()


def test_nobody_nods_without_readiness() -> None:
    rng = np.random.default_rng(1)
    accents = [Accent(at_s=1.0 + 2.0 * k, strength=1.0) for k in range(25)]

    assert not react(rng, draw_manner(rng), PHRASES, accents, np.zeros_like(TIMES_S), TIMES_S).pitch.any()


def test_a_question_raises_the_brows_and_tilts_the_head() -> None:
    rng = np.random.default_rng(2)
    asked = [Phrase(start_s=1.0, end_s=3.0, is_question=True)]
    reaction = react(rng, draw_manner(rng), asked, [], np.ones_like(TIMES_S), TIMES_S)

    assert reaction.raised[TIMES_S < 3.28].max() == 0.0
    assert reaction.raised.max() > 0.08
    assert np.abs(reaction.roll).max() > np.radians(0.4)
    assert reaction.lean.min() < -0.02


def test_most_listeners_are_calm() -> None:
    rng = np.random.default_rng(3)
    depths = np.array([draw_manner(rng).nod_deg for _ in range(400)])

    assert 0.65 < (depths < 4.8).mean() < 0.85
    assert depths.max() < 6.5
