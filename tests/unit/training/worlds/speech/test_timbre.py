"""Another timbre for the same words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from training.worlds.speech.phones import SAMPLE_RATE_HZ
from training.worlds.speech.timbre import Timbre, change_timbre

PLAIN = Timbre(resonances=(1.0, 1.0, 1.0, 1.0, 1.0), clarity=1.0, breath=0.0, roughness=0.0)


def buzz(duration_s: float = 0.6) -> npt.NDArray[np.float32]:
    """A pulse train at 120 Hz through one resonance at 1 kHz, silent in its second half."""
    times_s = np.arange(int(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    since_s = times_s % (1.0 / 120.0)
    wave = np.exp(-600.0 * since_s) * np.sin(2.0 * np.pi * 1000.0 * since_s)
    return np.where(times_s < duration_s / 2.0, 0.3 * wave, 0.0).astype(np.float32)


def centroid_hz(samples: npt.NDArray[np.float32]) -> float:
    power = np.square(np.abs(np.fft.rfft(samples)))
    return float((power * np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE_HZ)).sum() / power.sum())


def test_a_plain_timbre_changes_nothing() -> None:
    samples = buzz()

    changed = change_timbre(np.random.default_rng(0), samples, PLAIN)

    np.testing.assert_allclose(changed, samples, atol=1e-5)


def test_shorter_tracts_move_resonances_up() -> None:
    samples = buzz()
    shorter = replace(PLAIN, resonances=(1.2, 1.2, 1.2, 1.2, 1.2))

    changed = change_timbre(np.random.default_rng(0), samples, shorter)

    assert centroid_hz(changed) > 1.08 * centroid_hz(samples)


def test_breath_keeps_the_time_of_events() -> None:
    changed = change_timbre(np.random.default_rng(0), buzz(), replace(PLAIN, breath=0.8, roughness=2.0))

    half = len(changed) // 2
    assert np.abs(changed[: half - 800]).max() > 0.05
    assert np.abs(changed[half + 800 :]).max() < 0.01
