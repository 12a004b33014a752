"""A face lives besides speaking."""

from __future__ import annotations

import numpy as np
import pytest

from models.motion import FRAME_RATE_HZ, INDEX
from training.worlds.speech.curves import Curve
from training.worlds.speech.life import Accent, Phrase, draw_temper, life_motion

NUM_FRAMES = 1500


@pytest.fixture(name="motion", params=[0, 1, 2])
def fixture_motion(request: pytest.FixtureRequest) -> Curve:
    rng = np.random.default_rng(request.param)
    phrases = [Phrase(start_s=4.0 * k, end_s=4.0 * k + 2.5, is_question=k % 3 == 0) for k in range(15)]
    accents = [Accent(at_s=4.0 * k + 1.0, strength=0.8) for k in range(15)]
    return life_motion(rng, draw_temper(rng), phrases, accents, NUM_FRAMES)


def test_coefficients_stay_in_range_and_the_head_within_fifteen_degrees(motion: Curve) -> None:
    coefficients, rotation = motion[:, : INDEX["headPitch"]], motion[:, INDEX["headPitch"] : INDEX["headX"]]

    assert coefficients.min() >= 0.0
    assert coefficients.max() <= 1.0
    assert np.abs(np.degrees(rotation)).max() <= 15.0


def test_the_head_moves_smoothly_and_never_stops(motion: Curve) -> None:
    yaw = np.degrees(motion[:, INDEX["headYaw"]])

    assert yaw.std() > 0.5
    assert np.abs(np.diff(yaw, 2)).max() < 1.0


def test_eyes_blink_every_few_seconds_and_open_again(motion: Curve) -> None:
    shut = motion[:, INDEX["eyeBlinkLeft"]] > 0.6
    blinks = int(np.count_nonzero(np.diff(shut.astype(int)) == 1))
    minutes = NUM_FRAMES / FRAME_RATE_HZ / 60.0

    assert 8.0 <= blinks / minutes <= 45.0
    assert shut.mean() < 0.2
