"""Smoothing of motion as it is read: steady when the face is still, prompt when it moves."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.motion import NUM_BLENDSHAPES, NUM_MOTION
from models.rig.arrays import F32

_SLOWEST_HZ: Final = 3.0  # cut-off for a face at rest
_SPEED_HZ: Final = 1.0  # cut-off of the estimate of speed
# Cut-off gained by speed, in Hz for each unit a second: coefficients, then pose.
_QUICKNESS: Final = np.where(np.arange(NUM_MOTION) < NUM_BLENDSHAPES, 4.0, 20.0)


class MotionSmoother:
    """The 1 Euro filter (Casiez, Roussel and Vogel, CHI 2012) on every number of motion."""

    def __init__(self) -> None:
        self._time_s = 0.0
        self._speed = np.zeros(NUM_MOTION)
        self._value: F32 | None = None

    def push(self, time_s: float, motion: F32) -> F32:
        """The smoothed motion float32 [58] at a time in seconds, later than the last one."""
        if self._value is None:
            self._time_s, self._value = time_s, motion
            return motion
        step_s = time_s - self._time_s
        speed = (motion - self._value) / step_s
        self._speed += _share(step_s, np.full(NUM_MOTION, _SPEED_HZ)) * (speed - self._speed)
        share = _share(step_s, _SLOWEST_HZ + _QUICKNESS * np.abs(self._speed))
        self._time_s, self._value = time_s, (self._value + share * (motion - self._value)).astype(np.float32)
        return self._value


def _share(step_s: float, cutoff_hz: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> F32:
    """What a first-order low-pass takes of a new value after a step."""
    turns = 2 * np.pi * cutoff_hz * step_s
    return np.asarray(turns / (turns + 1), np.float32)
