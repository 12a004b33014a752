"""What is heard while nobody speaks: breaths, noises, music."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.worlds.speech.phones import SAMPLE_RATE_HZ
from training.worlds.speech.sounds import breath, chords, coloured_noise

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapConfig:
    """How often a pause holds a breath, or a noise."""

    breath_share: float = 0.3
    event_share: float = 0.12


def fill_gap(rng: np.random.Generator, events: Samples, start: int, end: int, config: GapConfig) -> None:
    """Put a breath or a noise, or nothing, between the samples `start` and `end`."""
    seconds = (end - start) / SAMPLE_RATE_HZ
    if seconds > 0.25 and rng.random() < config.breath_share:
        length = int(min(seconds, rng.uniform(0.25, 0.7)) * SAMPLE_RATE_HZ)
        events[end - length : end] += 0.1 * 10.0 ** (rng.uniform(-30.0, -10.0) / 20.0) * breath(rng, length)
    elif seconds > 0.6 and rng.random() < config.event_share:
        fill_event(rng, events, start, end)


def fill_event(rng: np.random.Generator, events: Samples, start: int, end: int) -> None:
    """Noise or music about as loud as speech, while nobody speaks; sometimes digital silence."""
    draw, length = rng.random(), end - start
    if draw < 0.2 or length < 2:
        return
    sound = chords(rng, length) if draw < 0.6 else coloured_noise(rng, length, rng.uniform(0.0, 2.0))
    edge = np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.02 * SAMPLE_RATE_HZ)
    events[start:end] += 0.1 * 10.0 ** (rng.uniform(-15.0, 3.0) / 20.0) * sound * edge.clip(0.0, 1.0)
