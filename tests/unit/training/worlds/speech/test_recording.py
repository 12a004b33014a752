"""Speech as a microphone hears it."""

from __future__ import annotations

import numpy as np
import pytest

from training.worlds.speech.phones import SAMPLE_RATE_HZ
from training.worlds.speech.recording import RecordingConfig, record
from training.worlds.speech.sounds import breath, chords, coloured_noise, hum


@pytest.mark.parametrize("seed", range(12))
def test_events_keep_their_time(seed: int) -> None:
    clean = np.zeros(2 * SAMPLE_RATE_HZ, dtype=np.float32)
    rng = np.random.default_rng(seed)
    clean[SAMPLE_RATE_HZ // 2 : SAMPLE_RATE_HZ] = 0.1 * rng.normal(size=SAMPLE_RATE_HZ // 2)

    heard = record(rng, clean, RecordingConfig(lowest_snr_db=25.0))

    level = np.convolve(np.square(heard), np.ones(160) / 160.0, mode="same")
    loud = np.flatnonzero(level > 0.2 * np.percentile(level, 95))
    assert np.abs(heard).max() <= 1.0
    assert loud[0] / SAMPLE_RATE_HZ == pytest.approx(0.5, abs=0.03)


def test_digital_silence_stays_finite() -> None:
    heard = record(np.random.default_rng(0), np.zeros(SAMPLE_RATE_HZ, dtype=np.float32), RecordingConfig())

    assert np.isfinite(heard).all()


@pytest.mark.parametrize("sound", [hum, chords, breath, lambda rng, count: coloured_noise(rng, count, 1.0)])
def test_sounds_have_unit_power(sound: object) -> None:
    assert callable(sound)

    samples = sound(np.random.default_rng(1), 8000)

    assert samples.shape == (8000,)
    assert np.sqrt(np.mean(np.square(samples))) == pytest.approx(1.0, rel=1e-3)


def test_a_few_words_in_a_long_silence_are_recorded_as_loud_as_a_speech() -> None:
    config = RecordingConfig(
        room_share=0.0, noise_share=0.0, band_share=0.0, companding_share=0.0, clipping_share=0.0,
        lowest_level_db=-20.0, highest_level_db=-20.0,
    )  # fmt: skip
    said = slice(SAMPLE_RATE_HZ, 2 * SAMPLE_RATE_HZ)
    clean = np.zeros(10 * SAMPLE_RATE_HZ, np.float32)
    clean[said] = 0.1 * np.random.default_rng(0).normal(size=SAMPLE_RATE_HZ)

    recorded = record(np.random.default_rng(1), clean, config)

    assert 20.0 * np.log10(np.sqrt(np.mean(np.square(recorded[said])))) == pytest.approx(-20.0, abs=0.5)
