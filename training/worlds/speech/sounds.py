"""Sounds that are not speech: noises, hum, chords and breaths, each of unit RMS."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from training.worlds.speech.phones import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]

_MIN_RMS: Final = 1e-6


def coloured_noise(rng: np.random.Generator, count: int, exponent: float) -> Samples:
    """Noise whose power falls as 1/f**exponent: 0 is white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1.0 / SAMPLE_RATE_HZ), 20.0)
    return unit_rms(np.fft.irfft(spectrum * frequency ** (-0.5 * exponent), count))


def hum(rng: np.random.Generator, count: int) -> Samples:
    """Mains hum or an engine: a low tone with fading harmonics."""
    times_s = np.arange(count) / SAMPLE_RATE_HZ
    base_hz = rng.choice([50.0, 60.0, rng.uniform(70.0, 160.0)])
    tones = sum(
        rng.uniform(0.2, 1.0) / k * np.sin(2 * np.pi * base_hz * k * times_s + rng.uniform(0, 6.3))
        for k in range(1, 9)
    )
    return unit_rms(np.asarray(tones))


def chords(rng: np.random.Generator, count: int) -> Samples:
    """Something like music: chords of harmonic tones with attacks, in a random tempo."""
    out = np.zeros(count)
    at = 0
    while at < count:
        length = int(SAMPLE_RATE_HZ * rng.choice([0.18, 0.25, 0.4, 0.6, 1.0]))
        times_s = np.arange(min(length, count - at)) / SAMPLE_RATE_HZ
        decay = np.exp(-times_s * rng.uniform(0.5, 6.0)) * np.minimum(times_s / rng.uniform(0.004, 0.06), 1.0)
        root_hz = 110.0 * 2.0 ** (rng.integers(0, 25) / 12.0)
        for step in rng.choice([0, 3, 4, 7, 10, 12, 16], size=3, replace=False):
            base_hz = root_hz * 2.0 ** (step / 12.0)
            for k in range(1, 6):
                out[at : at + len(times_s)] += decay * np.sin(2 * np.pi * base_hz * k * times_s) / k**1.3
        at += length
    if rng.random() < 0.5:
        out += 0.3 * np.std(out) * _beats(rng, count)
    return unit_rms(out)


def breath(rng: np.random.Generator, count: int) -> Samples:
    """A breath taken: noise between 0.8 and 5 kHz that swells and fades."""
    noise = np.fft.rfft(rng.normal(size=count))
    frequency = np.fft.rfftfreq(count, 1.0 / SAMPLE_RATE_HZ)
    centre_hz = rng.uniform(1200.0, 2600.0)
    shaped = np.fft.irfft(
        noise * np.exp(-0.5 * np.square(np.log2((frequency + 1.0) / centre_hz) / 0.8)), count
    )
    swell = np.sin(np.pi * np.linspace(0.0, 1.0, count)) ** rng.uniform(0.8, 2.0)
    return unit_rms(shaped * swell)


def unit_rms(samples: npt.NDArray[np.float64] | Samples) -> Samples:
    """Scale to an RMS of one; near silence stays as it is."""
    rms = float(np.sqrt(np.mean(np.square(samples))))
    return np.asarray(samples / rms if rms > _MIN_RMS else samples, dtype=np.float32)


def _beats(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    period = int(SAMPLE_RATE_HZ * rng.uniform(0.25, 0.6))
    since_s = (np.arange(count) % period) / SAMPLE_RATE_HZ
    return rng.normal(size=count) * np.exp(-since_s * rng.uniform(15.0, 60.0)) * 3.0
