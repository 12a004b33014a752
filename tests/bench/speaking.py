"""Motion that the shipped model makes of speech alone, without rendering it."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.rig.arrays import F32
from services.kit.contracts import FRAME_SAMPLES
from tests.bench.streams import make_scene, shipped_model, takes

SEED: Final = 1


def spoken_by_model(samples: F32, seed: int = SEED) -> F32:
    """Motion float32 [F, 58] of speech float32 [N] mono at 16 kHz, as the perform command would make it."""
    (motion,) = takes(shipped_model(), make_scene(samples, None), [seed])
    return np.asarray(motion[: -(-len(samples) // FRAME_SAMPLES)], np.float32)
