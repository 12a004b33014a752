"""A world of a few clips, small enough for unit tests."""

from __future__ import annotations

import numpy as np
import pytest

from models.audio.logmel import FLOOR_POWER
from models.lpm.config import tiny
from models.motion import NUM_MOTION
from training.lpm_motion.data import SpeechData


@pytest.fixture
def data() -> SpeechData:
    """Eight clips of 2 s whose every number follows one loudness."""
    model, random = tiny(), np.random.default_rng(0)
    loudness = np.repeat(random.random((8, 25)), 2, axis=1)
    levels = np.repeat(10 * np.log10(FLOOR_POWER) + 70 * loudness, model.mels_per_frame, axis=1)
    return SpeechData(
        levels=np.repeat(levels[..., None], model.logmel.bands + 1, axis=-1).astype(np.float16),
        motion=np.repeat(loudness[..., None], NUM_MOTION, axis=-1).astype(np.float16),
        phones=np.repeat(loudness > 0.5, model.tokens_per_frame, axis=1).astype(np.int8),
    )
