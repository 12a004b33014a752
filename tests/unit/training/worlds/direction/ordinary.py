"""Ordinary motion of the speech world for directions to be played on."""

from __future__ import annotations

from functools import cache

import numpy as np

from training.worlds.speech.curves import Curve
from training.worlds.speech.life import Accent, Phrase, draw_temper, life_motion

NUM_FRAMES = 300


@cache
def ordinary_motion(seed: int, num_frames: int = NUM_FRAMES) -> Curve:
    """What a speaking face does besides speaking [F, 58]."""
    rng = np.random.default_rng(seed)
    starts = np.arange(rng.uniform(0.0, 1.0), num_frames / 25, 2.4)
    phrases = [Phrase(start_s=at, end_s=at + 1.9, is_question=bool(rng.random() < 0.2)) for at in starts]
    accents = [
        Accent(at_s=at + k, strength=float(rng.uniform(0.3, 1))) for at in starts for k in (0.3, 0.9, 1.5)
    ]
    return life_motion(rng, draw_temper(rng), phrases, accents, num_frames)
