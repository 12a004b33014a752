"""The mouth follows its phones."""

from __future__ import annotations

import numpy as np
import pytest

from models.motion import FRAME_RATE_HZ, INDEX
from training.worlds.speech.mouth import Curve, Style, mouth_motion
from training.worlds.speech.phones import SILENCE, Phone

NUM_FRAMES = 50


def phones_of(*parts: tuple[str, float]) -> tuple[Phone, ...]:
    phones, cursor = [], 0.0
    for symbol, duration_s in parts:
        phones.append(Phone(symbol=symbol, start_s=cursor, end_s=cursor + duration_s))
        cursor += duration_s
    return tuple(phones)


def steady_level(db: float = -20.0) -> Curve:
    return np.full(400, db)


def gap(motion: Curve) -> Curve:
    """How far the lips are apart, in jaw units."""
    parted = motion[:, INDEX["mouthLowerDownLeft"]] + motion[:, INDEX["mouthUpperUpLeft"]]
    return motion[:, INDEX["jawOpen"]] - motion[:, INDEX["mouthClose"]] + 0.3 * parted


@pytest.mark.parametrize("symbol", ["p", "b", "m"])
@pytest.mark.parametrize("duration_s", [0.03, 0.08])
def test_a_bilabial_between_open_vowels_shuts_the_lips(symbol: str, duration_s: float) -> None:
    phones = phones_of((SILENCE, 0.5), ("ɑ", 0.2), (symbol, duration_s), ("a", 0.2), (SILENCE, 0.99))

    motion = mouth_motion(phones, steady_level(), Style(), NUM_FRAMES)

    frames = np.arange(NUM_FRAMES) / FRAME_RATE_HZ + Style().frame_phase_s
    nearby = (frames > 0.68) & (frames < 0.72 + duration_s)
    assert gap(motion)[nearby].min() < 0.02


def test_silence_ends_in_a_closed_mouth() -> None:
    phones = phones_of(("ɑ", 0.4), (SILENCE, 1.6))

    motion = mouth_motion(phones, steady_level(), Style(), NUM_FRAMES)

    assert gap(motion)[:8].max() > 0.3
    assert np.abs(motion[20:]).max() < 0.01


def test_lips_part_before_the_first_sound() -> None:
    phones = phones_of((SILENCE, 1.0), ("a", 0.3), (SILENCE, 0.7))

    motion = mouth_motion(phones, steady_level(), Style(frame_phase_s=0.0), NUM_FRAMES)

    assert gap(motion)[24] > 0.05
    assert gap(motion)[18] < 0.01


def test_a_louder_vowel_opens_wider() -> None:
    phones = phones_of(
        (SILENCE, 0.3), ("a", 0.3), (SILENCE, 0.4), ("a", 0.3), (SILENCE, 0.4), ("a", 0.2), (SILENCE, 0.1)
    )
    level = steady_level()
    level[60:120] = -12.0

    opening = gap(mouth_motion(phones, level, Style(), NUM_FRAMES))

    assert opening[7:16].max() > 1.12 * opening[25:34].max()


def test_rounded_vowels_round_and_labiodentals_roll_the_lower_lip() -> None:
    phones = phones_of((SILENCE, 0.4), ("u", 0.3), ("f", 0.2), ("i", 0.3), (SILENCE, 0.8))

    motion = mouth_motion(phones, steady_level(), Style(), NUM_FRAMES)

    assert motion[10:18, INDEX["mouthPucker"]].max() > 0.5
    assert motion[17:23, INDEX["mouthRollLower"]].max() > 0.3
    assert motion[24:30, INDEX["mouthStretchLeft"]].max() > 0.1
