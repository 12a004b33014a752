"""Log-mel features: pieces equal the whole, silence is defined, loudness does not matter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from models.audio.logmel import Array, LogMelConfig, LogMelStream, log_mel

CONFIG = LogMelConfig()


def voice_like(seconds: float, seed: int = 0) -> Array:
    """A buzz whose loudness comes and goes, over faint noise."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    return (
        0.05 * buzz * (1 + np.sin(2 * np.pi * 3 * time)) + 1e-3 * random.standard_normal(len(time))
    ).astype(np.float32)


def pieces(samples: Array, sizes: Sequence[int]) -> list[Array]:
    return np.split(samples, np.cumsum(sizes))


@pytest.mark.parametrize("sizes", [[1, 159, 7, 4000], [3200] * 4, [16_000], []])
def test_fed_in_pieces_equals_fed_whole(sizes: list[int]) -> None:
    samples, stream = voice_like(1.5), LogMelStream(CONFIG)
    heard = [stream.push(piece) for piece in pieces(samples, sizes)]
    np.testing.assert_allclose(np.concatenate([*heard, stream.flush()]), log_mel(samples, CONFIG), atol=1e-4)


def test_a_frame_comes_every_hop() -> None:
    assert log_mel(voice_like(1.0), CONFIG).shape == (100, CONFIG.channels)


def test_digital_silence_is_the_lowest_value() -> None:
    quiet = log_mel(np.zeros(16_000, np.float32), CONFIG)
    assert np.isfinite(quiet).all()
    assert (quiet[:, : CONFIG.bands + 1] == -CONFIG.clip).all()


def test_loudness_cancels_once_the_level_has_settled() -> None:
    samples = voice_like(6.0)
    loud, soft = log_mel(samples, CONFIG), log_mel(samples * 0.1, CONFIG)
    audible = loud[450:, : CONFIG.bands] > -1.0
    assert np.abs(loud - soft)[450:, : CONFIG.bands][audible].mean() < 0.15


def test_a_pure_tone_lights_the_band_of_its_frequency() -> None:
    time = np.arange(16_000) / 16_000
    bands = log_mel((0.1 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32), CONFIG)[50, : CONFIG.bands]
    edges = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + 7600 / 700), CONFIG.bands + 2)
    centre = np.abs(700 * (10 ** (edges[1:-1] / 2595) - 1) - 1000).argmin()
    assert abs(int(bands.argmax()) - int(centre)) <= 1
