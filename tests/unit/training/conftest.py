"""A world of a few clips, small enough for unit tests."""

from __future__ import annotations

import numpy as np
import pytest

from models.audio.logmel import FLOOR_POWER
from models.lpm.config import tiny
from models.motion import NUM_MOTION
from training.lpm_motion.data import Scenes


@pytest.fixture
def data() -> Scenes:
    """Eight clips of 2 s whose every number follows one loudness, the character's own; nobody else speaks."""
    model, random = tiny(), np.random.default_rng(0)
    loudness = np.repeat(random.random((8, 25)), 2, axis=1)
    quiet = 10 * np.log10(FLOOR_POWER)
    levels = np.repeat(quiet + 70 * loudness, model.mels_per_frame, axis=1)
    streams = np.stack((levels, np.full_like(levels, quiet)), axis=1)
    concepts = np.zeros((8, 10, model.direction.items), np.int8)
    concepts[:, 4:, 0] = random.integers(1, model.direction.concepts + 1, (8, 1))
    return Scenes(
        levels=np.repeat(streams[..., None], model.logmel.bands + 1, axis=-1).astype(np.float16),
        present=np.stack((np.ones((8, 10), bool), random.random((8, 10)) < 0.5), axis=-1),
        concepts=concepts,
        strengths=(0.7 * (concepts > 0)).astype(np.float16),
        motion=np.repeat(loudness[..., None], NUM_MOTION, axis=-1).astype(np.float16),
        phones=np.repeat(loudness > 0.5, model.tokens_per_frame, axis=1).astype(np.int8),
        lulls=np.zeros((8, 50), np.int8),
    )
