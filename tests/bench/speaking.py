"""Motion that the shipped model makes of speech, without rendering it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from models.rig.arrays import F32
from services.encoding.speech import encode_speech
from services.generation.engine import perform
from services.generation.loading import load_engine
from services.generation.lpm import LpmEngine
from services.kit.contracts import CHUNK_SAMPLES, Segment

SEED = 1


def spoken_by_model(samples: F32, seed: int = SEED) -> F32:
    """Motion float32 [F, 58] of speech float32 [N] mono at 16 kHz, as the perform command would make it."""
    engine = _engine()
    motions = perform(engine, encode_speech(_segments(samples), engine.config), seed)
    return np.concatenate([motion.frames for motion in motions])


@cache
def _engine() -> LpmEngine:
    return load_engine("lpm")


def _segments(samples: F32) -> Iterator[Segment]:
    for sequence, begin in enumerate(range(0, len(samples), CHUNK_SAMPLES)):
        piece = samples[begin : begin + CHUNK_SAMPLES]
        is_final = begin + CHUNK_SAMPLES >= len(samples)
        yield Segment(sequence=sequence, samples=piece, is_final=is_final)
