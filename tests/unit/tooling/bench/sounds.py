"""Made sounds with voices at known times."""

from __future__ import annotations

import numpy as np

from models.rig.arrays import F32
from services.kit.contracts import ANALYSIS_RATE_HZ


def spoken(*stretches_s: tuple[float, float], seconds: float = 4.0, level: float = 0.1) -> F32:
    """Loud noise in the given stretches, and nothing elsewhere: float32 [N] at 16 kHz."""
    samples = np.zeros(round(seconds * ANALYSIS_RATE_HZ), np.float32)
    chance = np.random.default_rng(0)
    for start_s, end_s in stretches_s:
        first, end = round(start_s * ANALYSIS_RATE_HZ), round(end_s * ANALYSIS_RATE_HZ)
        samples[first:end] = level * chance.standard_normal(end - first)
    return samples
