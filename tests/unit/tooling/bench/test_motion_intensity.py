"""The measures of motion intensity, on made motion."""

from __future__ import annotations

import numpy as np
import pytest

from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from models.rig.arrays import F32
from tests.bench.motion_intensity import at, expression, head_speed, head_swing, lip_correlation


def swinging() -> F32:
    """Two takes [2, F, 58] of a head that turns, brows that rise and a jaw that opens, 1 s to and fro."""
    motion = np.zeros((2, 5 * FRAME_RATE_HZ, NUM_MOTION), np.float32)
    wave = np.sin(2 * np.pi * np.arange(motion.shape[1]) / FRAME_RATE_HZ)
    motion[:, :, INDEX["headYaw"]] = np.radians(2.0) * wave
    for name in ("browInnerUp", "jawOpen"):
        motion[:, :, INDEX[name]] = 0.2 + 0.1 * wave
    return motion


def test_the_speed_of_a_head_is_in_degrees_a_second() -> None:
    # A swing of 2 degrees to either side covers 8 degrees a second.
    assert head_speed(swinging()) == pytest.approx(8.0, rel=0.05)


@pytest.mark.parametrize("measure", [head_speed, head_swing])
def test_the_body_moves_as_much_as_is_asked_for(measure: object) -> None:
    assert callable(measure)
    found = [measure(at(swinging(), 0.5, value)) for value in (0.0, 0.5, 1.0)]

    assert found == sorted(set(found))


def test_the_face_shows_as_much_as_is_asked_for_and_lips_stay() -> None:
    plain = swinging()
    found = [expression(at(plain, value, 0.5)) for value in (0.0, 0.5, 1.0)]

    assert found == sorted(set(found))
    assert lip_correlation(plain, at(plain, 1.0, 1.0)) > 0.98
