"""Facts about smoothing the motion of a video."""

from __future__ import annotations

import numpy as np

from models.motion import INDEX, NUM_MOTION
from models.rig.arrays import F32
from models.rig.smoothing import MotionSmoother

FRAME_S = 1 / 25
BLINK = INDEX["eyeBlinkLeft"]


def smoothed(values: F32) -> F32:
    """The smoothed course of one coefficient [F]."""
    smoother = MotionSmoother()
    return np.array([smoother.push(k * FRAME_S, np.full(NUM_MOTION, v))[BLINK] for k, v in enumerate(values)])


def test_the_first_frame_passes_unchanged() -> None:
    assert smoothed(np.array([0.7], np.float32))[0] == np.float32(0.7)


def test_jitter_at_rest_shrinks() -> None:
    jitter = np.random.default_rng(0).normal(0.2, 0.02, 200).astype(np.float32)

    assert smoothed(jitter)[20:].std() < 0.7 * jitter.std()


def test_a_blink_is_not_lost() -> None:
    blink = np.zeros(20, np.float32)
    blink[8:12] = (0.6, 1.0, 1.0, 0.5)

    assert smoothed(blink).max() > 0.85
    assert smoothed(blink).argmax() in (9, 10)
