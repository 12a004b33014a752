"""How a direction takes hold of a face, and lets go, as curves over time at 25 fps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ
from training.worlds.speech.curves import Curve, ease, smooth

CHUNK_S: Final = CHUNK_FRAMES / FRAME_RATE_HZ
_LEAST_LEVEL: Final = 0.15  # of what is played at all, so that a slight smile is a smile


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds for which something is asked for, and how much of the full effect is wanted, in 0..1."""

    start_s: float
    end_s: float
    level: float


@dataclass(frozen=True, slots=True)
class Hold:
    """How one concept is in force: `presence` [F] and, times its share of the full effect, `level` [F]."""

    spans: tuple[Span, ...]
    presence: Curve
    level: Curve


def level_of(strength: float) -> float:
    """The share of the full effect that a strength asks for."""
    return _LEAST_LEVEL + (1.0 - _LEAST_LEVEL) * strength


def hold(rng: np.random.Generator, spans: Iterable[Span], num_frames: int) -> Hold:
    """Take hold of a concept 0.12-0.3 s after each span's start, and let go after its end, both gently."""
    times_s = frame_times(num_frames)
    presence, level = np.zeros(num_frames), np.zeros(num_frames)
    kept = tuple(spans)
    for span in kept:
        rise = ease((times_s - span.start_s - rng.uniform(0.12, 0.3)) / rng.uniform(0.2, 0.4))
        fall = ease((times_s - span.end_s - rng.uniform(0.0, 0.15)) / rng.uniform(0.2, 0.45))
        held = (rise - fall).clip(0.0, 1.0)
        presence, level = np.maximum(presence, held), np.maximum(level, span.level * held)
    return Hold(spans=kept, presence=presence, level=level)


def frame_times(num_frames: int) -> Curve:
    """The seconds at which frames lie [F]."""
    return np.arange(num_frames) / FRAME_RATE_HZ


def lag(values: Curve, width_s: float) -> Curve:
    """`values` [F] smoothed by what went before them: a heavy thing follows, and never moves ahead."""
    delay = int(2.5 * width_s * FRAME_RATE_HZ)
    return smooth(np.concatenate((np.full(delay, values[0]), values)), width_s)[: len(values)]
