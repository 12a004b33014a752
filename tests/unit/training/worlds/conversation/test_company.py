"""A face in company: quiet while listening, lively while speaking, and no jump in between."""

from __future__ import annotations

import numpy as np
import pytest

from models.motion import FRAME_RATE_HZ, INDEX
from training.worlds.conversation.company import Part, company_motion, turn_starts
from training.worlds.conversation.reactions import draw_manner
from training.worlds.speech.curves import Curve
from training.worlds.speech.life import Accent, Phrase, draw_temper

NUM_FRAMES = 1500
NOBODY = Part(phrases=(), accents=())


def sentences(first_s: float, last_s: float) -> tuple[Phrase, ...]:
    starts_s = np.arange(first_s, last_s - 2.0, 2.6)
    return tuple(Phrase(start_s=at_s, end_s=at_s + 2.0, is_question=False) for at_s in starts_s.tolist())


def accents(first_s: float, last_s: float) -> tuple[Accent, ...]:
    return tuple(Accent(at_s=at_s, strength=0.8) for at_s in np.arange(first_s, last_s, 0.7).tolist())


def play(seed: int, own: Part, heard: Part) -> Curve:
    rng = np.random.default_rng(seed)
    return company_motion(rng, draw_temper(rng), draw_manner(rng), own, heard, np.ones(NUM_FRAMES))


def restlessness(motion: Curve, name: str) -> float:
    return float(np.abs(np.diff(np.degrees(motion[:, INDEX[name]]))).mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_head_is_quieter_while_listening_than_while_speaking(seed: int) -> None:
    talk = Part(phrases=sentences(0.0, 60.0), accents=accents(0.0, 60.0))
    speaking, listening = play(seed, talk, NOBODY), play(seed, NOBODY, talk)

    assert restlessness(listening, "headYaw") < 0.6 * restlessness(speaking, "headYaw")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_head_does_not_jump_when_the_turn_passes(seed: int) -> None:
    own = Part(phrases=sentences(0.0, 30.0), accents=accents(0.0, 30.0))
    heard = Part(phrases=sentences(30.0, 60.0), accents=accents(30.0, 60.0))
    motion = play(seed, own, heard)
    handover = slice(28 * FRAME_RATE_HZ, 33 * FRAME_RATE_HZ)

    for name in ("headPitch", "headYaw", "headRoll"):
        assert np.abs(np.diff(np.degrees(motion[handover, INDEX[name]]))).max() < 2.5


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_eyes_stay_with_the_one_who_speaks_and_stray_when_nobody_does(seed: int) -> None:
    talk = Part(phrases=sentences(0.0, 60.0), accents=())
    sides = [INDEX[name] for name in ("eyeLookOutLeft", "eyeLookOutRight")]

    def straying(motion: Curve) -> float:
        yaw = np.degrees(motion[:, INDEX["headYaw"]])
        sight = 30.0 * (motion[:, sides[0]] - motion[:, sides[1]]) + yaw
        return float((np.abs(sight) > 4.0).mean())

    assert straying(play(seed, NOBODY, talk)) < straying(play(seed, NOBODY, NOBODY))


def test_a_turn_starts_after_a_silence_only() -> None:
    said = sentences(1.0, 6.0) + sentences(20.0, 26.0)

    assert turn_starts(said) == [1.0, 20.0]


def test_coefficients_stay_in_range() -> None:
    talk = Part(phrases=sentences(0.0, 60.0), accents=accents(0.0, 60.0))
    coefficients = play(4, NOBODY, talk)[:, : INDEX["headPitch"]]

    assert coefficients.min() >= 0.0
    assert coefficients.max() <= 1.0
