"""The shapes that motion is made of, as curves over time at 25 fps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.motion import FRAME_RATE_HZ

Curve = npt.NDArray[np.float64]


def wander(rng: np.random.Generator, count: int, width_s: float) -> Curve:
    """Smooth noise [count] of unit variance; slower the wider."""
    pad = int(4 * width_s * FRAME_RATE_HZ) + 1
    noise = smooth(rng.normal(size=count + 2 * pad), width_s)[pad : pad + count]
    return noise * float(np.sqrt(2.0 * np.sqrt(np.pi) * width_s * FRAME_RATE_HZ))


def smooth(values: Curve, width_s: float) -> Curve:
    """`values` [F] under a Gaussian whose standard deviation is `width_s`; the ends go on as they are."""
    width = width_s * FRAME_RATE_HZ
    lag = np.arange(-int(4 * width) - 1, int(4 * width) + 2)
    kernel = np.exp(-0.5 * np.square(lag / width))
    padded = np.pad(values, len(lag) // 2, mode="edge")
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), mode="valid"), dtype=np.float64)


def bump(times_s: Curve, at_s: float, width_s: float) -> Curve:
    """A Gaussian of height one around `at_s`."""
    return np.asarray(np.exp(-0.5 * np.square((times_s - at_s) / width_s)), dtype=np.float64)


def ease(progress: Curve) -> Curve:
    """From 0 to 1 with a flat start and end, as `progress` goes from 0 to 1."""
    clipped = progress.clip(0.0, 1.0)
    return np.asarray(clipped * clipped * (3.0 - 2.0 * clipped), dtype=np.float64)


def plateau(times_s: Curve, start_s: float, end_s: float, rise_s: float, fall_s: float) -> Curve:
    """Up from `start_s` on within `rise_s`, held at one, down from `end_s` on within `fall_s`."""
    up, down = ease((times_s - start_s) / rise_s), ease((times_s - end_s) / fall_s)
    return np.asarray(up * (1.0 - down), dtype=np.float64)
