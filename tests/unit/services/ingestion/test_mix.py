from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ingestion.mix import open_mix
from services.kit.contracts import FloatArray

Tone = Callable[..., NDArray[np.float32]]
AudioWriter = Callable[..., Path]


@pytest.fixture
def mixed(write_audio: AudioWriter) -> Callable[..., FloatArray]:
    """The mix [n, 2] of two voices [n, channels] at 16 kHz."""

    def mix(speech: FloatArray, listen: FloatArray) -> FloatArray:
        files = (
            write_audio("a.wav", speech, codec="pcm_f32le"),
            write_audio("b.wav", listen, codec="pcm_f32le"),
        )
        return np.concatenate(list(open_mix(*files).blocks))

    return mix


def powers(samples: FloatArray) -> FloatArray:
    power: FloatArray = np.square(samples, dtype=np.float64).mean(axis=0).astype(np.float32)
    return power


def test_each_voice_is_mostly_on_its_own_side(mixed: Callable[..., FloatArray], tone: Tone) -> None:
    left, right = powers(mixed(tone(1.0), np.zeros((16_000, 1), np.float32)))
    assert left / (left + right) == pytest.approx(0.7, abs=1e-3)
    left, right = powers(mixed(np.zeros((16_000, 1), np.float32), tone(1.0)))
    assert right / (left + right) == pytest.approx(0.7, abs=1e-3)


def test_a_voice_is_as_loud_as_it_is_alone_on_both_sides(
    mixed: Callable[..., FloatArray], tone: Tone
) -> None:
    quiet = 0.3 * tone(1.0)
    assert powers(mixed(quiet, np.zeros_like(quiet))).sum() == pytest.approx(2 * powers(quiet)[0], rel=1e-4)


@pytest.mark.parametrize("level", [1.0, 2.0, 16.0])
def test_loud_voices_are_turned_down_as_a_whole_and_never_cut(
    level: float, mixed: Callable[..., FloatArray], tone: Tone
) -> None:
    speech, listen = level * tone(1.0), level * tone(1.0, hertz=450)
    out = mixed(speech, listen)
    assert np.abs(out).max() == pytest.approx(0.95, abs=1e-4)
    expected = speech[:, 0] * np.sqrt(0.7) + listen[:, 0] * np.sqrt(0.3)
    assert np.corrcoef(out[:, 0], expected)[0, 1] == pytest.approx(1.0, abs=1e-6)


def test_the_mix_lasts_as_long_as_the_longer_voice(mixed: Callable[..., FloatArray], tone: Tone) -> None:
    assert len(mixed(tone(0.5), tone(2.25))) == 36_000
    assert len(mixed(tone(2.25), tone(0.5))) == 36_000


def test_voices_of_other_rates_and_channels_meet_at_the_higher_rate(
    tone: Tone, write_audio: AudioWriter
) -> None:
    sound = open_mix(
        write_audio("a.wav", tone(1.0, 8_000), 8_000), write_audio("b.wav", tone(1.0, 37_800, 2), 37_800)
    )
    assert (sound.rate_hz, sound.layout) == (44_100, "stereo")
    samples = np.concatenate(list(sound.blocks))
    assert len(samples) == pytest.approx(44_100, abs=64)
    assert powers(samples)[0] == pytest.approx(powers(samples)[1], rel=0.05)
