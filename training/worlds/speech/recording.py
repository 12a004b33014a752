"""How speech reaches a microphone and a file: room, colour, noise, bandwidth, codec and gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve

from training.worlds.speech.phones import SAMPLE_RATE_HZ
from training.worlds.speech.sounds import chords, coloured_noise, hum

Samples = npt.NDArray[np.float32]

# A frame 30 dB below the loudest is a pause.
_PAUSE_SHARE: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingConfig:
    """How often each defect occurs, and how bad it may be."""

    room_share: float = 0.5
    noise_share: float = 0.65
    lowest_snr_db: float = 5.0
    highest_snr_db: float = 45.0
    band_share: float = 0.25
    companding_share: float = 0.08
    clipping_share: float = 0.06
    lowest_level_db: float = -35.0
    highest_level_db: float = -10.0


def record(
    rng: np.random.Generator, clean: Samples, config: RecordingConfig, babble: Samples | None = None
) -> Samples:
    """Record `clean` [N]; every event keeps its time to within a few milliseconds."""
    speech = _colour(rng, clean)
    if rng.random() < config.room_share:
        speech = _reverberate(rng, speech)
    loudness = active_rms(speech)
    if rng.random() < config.noise_share:
        snr_db = rng.uniform(config.lowest_snr_db, config.highest_snr_db)
        speech = speech + loudness * 10.0 ** (-snr_db / 20.0) * _noise(rng, len(speech), babble)
    if rng.random() < config.band_share:
        speech = _limit_band(rng, speech)
    level_db = rng.uniform(config.lowest_level_db, config.highest_level_db)
    speech = speech * (10.0 ** (level_db / 20.0) / max(loudness, 1e-4))
    if rng.random() < config.clipping_share:
        speech = speech * rng.uniform(2.0, 6.0)
    speech = speech.clip(-1.0, 1.0)
    if rng.random() < config.companding_share:
        speech = _compand(speech)
    return np.asarray(speech, dtype=np.float32)


def _colour(rng: np.random.Generator, samples: Samples) -> Samples:
    """A random smooth frequency response: tilt and a few broad hills, as microphones and tracts have."""
    frequency = np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE_HZ)
    octaves = np.log2(np.maximum(frequency, 60.0) / 1000.0)
    response_db = rng.normal(0.0, 2.5) * octaves
    for _ in range(4):
        centre, width = rng.uniform(-3.5, 3.0), rng.uniform(0.25, 1.0)
        response_db += rng.normal(0.0, 3.5) * np.exp(-0.5 * np.square((octaves - centre) / width))
    if rng.random() < 0.3:
        response_db -= 24.0 * np.maximum(np.log2(rng.uniform(70.0, 250.0) / np.maximum(frequency, 20.0)), 0.0)
    filtered = np.fft.irfft(np.fft.rfft(samples) * 10.0 ** (response_db / 20.0), len(samples))
    return filtered.astype(np.float32)


def _reverberate(rng: np.random.Generator, samples: Samples) -> Samples:
    """A synthetic room: the direct sound, a few early echoes, and a decaying diffuse tail."""
    decay_s = float(np.exp(rng.uniform(np.log(0.12), np.log(0.9))))
    count = int(decay_s * SAMPLE_RATE_HZ)
    times_s = np.arange(count) / SAMPLE_RATE_HZ
    tail = rng.normal(size=count) * np.exp(-6.9 * times_s / decay_s)
    tail[: int(0.004 * SAMPLE_RATE_HZ)] = 0.0
    tail *= 10.0 ** (rng.uniform(-22.0, -2.0) / 20.0) / max(float(np.sqrt(np.square(tail).sum())), 1e-6)
    for _ in range(int(rng.integers(2, 7))):
        tail[int(rng.uniform(0.001, 0.03) * SAMPLE_RATE_HZ)] += rng.normal(0.0, 0.2)
    tail[0] = 1.0
    return np.asarray(fftconvolve(samples, tail)[: len(samples)], dtype=np.float32)


def _noise(rng: np.random.Generator, count: int, babble: Samples | None) -> Samples:
    kind = rng.random()
    if babble is not None and kind < 0.15:
        return babble
    if kind < 0.3:
        return chords(rng, count)
    if kind < 0.4:
        return hum(rng, count)
    return coloured_noise(rng, count, rng.uniform(0.0, 2.0))


def _limit_band(rng: np.random.Generator, samples: Samples) -> Samples:
    frequency = np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE_HZ)
    top_hz = rng.choice([3400.0, 4000.0, 5500.0, 7000.0])
    bottom_hz = rng.choice([0.0, 0.0, 120.0, 300.0])
    keep = 1.0 / (1.0 + np.exp((frequency - top_hz) / 60.0))
    keep *= 1.0 / (1.0 + np.exp((bottom_hz - frequency) / 15.0))
    return np.fft.irfft(np.fft.rfft(samples) * keep, len(samples)).astype(np.float32)


def _compand(samples: Samples) -> Samples:
    """Eight-bit mu-law and back (ITU-T G.711)."""
    mu = 255.0
    compressed = np.sign(samples) * np.log1p(mu * np.abs(samples)) / np.log1p(mu)
    stepped = np.round(compressed * 127.0) / 127.0
    return np.asarray(np.sign(stepped) * np.expm1(np.abs(stepped) * np.log1p(mu)) / mu, dtype=np.float32)


def active_rms(samples: Samples) -> float:
    """RMS of the 20 ms frames that are of the louder half and near the loudest: pauses do not count."""
    hop = SAMPLE_RATE_HZ // 50
    power = np.square(samples[: len(samples) // hop * hop]).reshape(-1, hop).mean(1)
    least = max(float(np.median(power)), _PAUSE_SHARE * float(power.max()))
    return float(np.sqrt(np.mean(power[power >= least]) + 1e-10))
