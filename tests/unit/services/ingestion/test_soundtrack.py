from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ingestion.soundtrack import open_driver_sound, open_sound

Tone = Callable[..., NDArray[np.float32]]
AudioWriter = Callable[..., Path]


def test_samples_are_untouched(tone: Tone, write_audio: AudioWriter) -> None:
    samples = tone(0.5, 44_100, 2)
    sound = open_sound(write_audio("a.wav", samples, 44_100, "pcm_f32le"))
    assert (sound.rate_hz, sound.layout) == (44_100, "stereo")
    assert np.array_equal(np.concatenate(list(sound.blocks)), samples)


@pytest.mark.parametrize(("rate_hz", "carried_hz"), [(8_000, 8_000), (37_800, 44_100), (192_000, 96_000)])
def test_a_rate_that_aac_lacks_becomes_one_it_has(
    rate_hz: int, carried_hz: int, tone: Tone, write_audio: AudioWriter
) -> None:
    sound = open_sound(write_audio("a.wav", tone(0.5, rate_hz), rate_hz))
    assert sound.rate_hz == carried_hz
    assert len(np.concatenate(list(sound.blocks))) == pytest.approx(carried_hz / 2, abs=4)


@pytest.mark.parametrize(
    ("channels", "layout"),
    [(1, "mono"), (2, "stereo"), (3, "3.0"), (4, "4.0"), (5, "5.0"), (6, "5.1"), (7, "mono"), (8, "7.1")],
)
def test_channels_are_kept_as_far_as_aac_carries_them(
    channels: int, layout: str, tone: Tone, write_audio: AudioWriter
) -> None:
    sound = open_sound(write_audio("a.wav", tone(0.2, 48_000, channels), 48_000))
    assert sound.layout == layout
    assert next(sound.blocks).shape[1] == (1 if layout == "mono" else channels)


def test_a_driver_without_sound_has_none(write_video: Callable[..., Path]) -> None:
    assert open_driver_sound(write_video("a.mp4", [0, 9], [0.0, 0.04]), 0.0) is None


@pytest.mark.parametrize(("start_s", "expected_s"), [(0.0, 1.0), (0.25, 0.75), (-0.5, 1.5)])
def test_driver_sound_starts_with_the_first_picture(
    start_s: float, expected_s: float, tone: Tone, write_audio: AudioWriter
) -> None:
    sound = open_driver_sound(write_audio("a.wav", tone(1.0)), start_s)
    assert sound is not None
    assert len(np.concatenate(list(sound.blocks))) == pytest.approx(16_000 * expected_s, abs=1)
