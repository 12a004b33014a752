"""Two voices become two streams."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.worlds.conversation.capture import CaptureConfig, capture_both, draw_silence
from training.worlds.conversation.track import Track
from training.worlds.speech.clip import ClipConfig
from training.worlds.speech.mouth import level_db
from training.worlds.speech.phones import SAMPLE_RATE_HZ, Phone

LENGTH = 2 * SAMPLE_RATE_HZ
CLEAN = CaptureConfig(clean_share=1.0, crosstalk_share=0.0)


def track(first_s: float, last_s: float, hz: float) -> Track:
    times_s = np.arange(LENGTH) / SAMPLE_RATE_HZ
    inside = (times_s >= first_s) & (times_s < last_s)
    samples = (0.14 * inside * np.sin(2 * np.pi * hz * times_s)).astype(np.float32)
    spans = (("sil", 0.0, first_s), ("a", first_s, last_s), ("sil", last_s, 2.0))
    phones = tuple(Phone(symbol=symbol, start_s=a, end_s=b) for symbol, a, b in spans if b > a)
    return Track(samples=samples, level=level_db(samples), phones=phones, phrases=(), accents=())


OWN, HEARD = track(0.0, 0.8, 200.0), track(1.2, 2.0, 330.0)


def rms(samples: np.ndarray, first_s: float, last_s: float) -> float:
    piece = samples[int(first_s * SAMPLE_RATE_HZ) : int(last_s * SAMPLE_RATE_HZ)]
    return float(np.sqrt(np.mean(np.square(piece))))


def test_a_generated_voice_has_digital_silence_around_it() -> None:
    speak, _ = capture_both(np.random.default_rng(0), OWN, HEARD, CLEAN, ClipConfig())

    assert rms(speak, 0.0, 0.8) > 0.01
    assert not speak[SAMPLE_RATE_HZ:].any()


def test_crosstalk_is_a_faint_trace_of_the_other_voice() -> None:
    config = replace(CLEAN, crosstalk_share=1.0)
    pairs = [
        capture_both(np.random.default_rng(seed), OWN, HEARD, config, ClipConfig()) for seed in range(12)
    ]
    leaks_db = [
        20.0 * np.log10(rms(speak, 1.3, 1.9) / rms(listen, 1.3, 1.9))
        for speak, listen in pairs
        if speak[SAMPLE_RATE_HZ:].any()
    ]

    assert len(leaks_db) >= 4
    assert min(leaks_db) == pytest.approx(-28.5, abs=7.0)
    assert max(leaks_db) == pytest.approx(-28.5, abs=7.0)


def test_silence_is_digital_or_quiet() -> None:
    levels = [
        float(np.sqrt(np.mean(np.square(draw_silence(np.random.default_rng(seed), LENGTH, CLEAN)))))
        for seed in range(40)
    ]

    assert 8 < sum(level == 0.0 for level in levels) < 30
    assert max(levels) < 0.06
