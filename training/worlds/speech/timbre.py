"""Other throats for the same words: warped resonances, clearer or duller speech, breath in the voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import istft, stft

from training.worlds.speech.phones import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

_WINDOW: Final = 512
_HOP: Final = 128
_LIFTER: Final = 26
_FLOOR: Final = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Timbre:
    """One speaker's sound.

    `resonances` multiplies formant frequencies at 0, 1, 2, 4 and 8 kHz; `clarity` is the exponent of the
    spectral envelope (below one: duller formants); `breath` the share of the sound that is noise instead
    of voice; `roughness` the jitter of each harmonic's level in dB.
    """

    resonances: tuple[float, float, float, float, float]
    clarity: float
    breath: float
    roughness: float


def draw_timbre(rng: np.random.Generator) -> Timbre:
    """Draw a speaker."""
    overall = rng.normal(0.0, 0.07)
    bends = np.exp(overall + rng.normal(0.0, 0.05, size=5)).clip(0.78, 1.28)
    return Timbre(
        resonances=(float(bends[0]), float(bends[1]), float(bends[2]), float(bends[3]), float(bends[4])),
        clarity=float(rng.uniform(0.7, 1.15)),
        breath=float(rng.choice([0.0, rng.uniform(0.0, 0.35), rng.uniform(0.0, 1.0)], p=[0.35, 0.5, 0.15])),
        roughness=float(rng.uniform(0.0, 3.0)),
    )


def change_timbre(rng: np.random.Generator, samples: Samples, timbre: Timbre) -> Samples:
    """Give `samples` [N] another speaker's timbre; events keep their times.

    The envelope is the cepstrally smoothed log spectrum, so the pitch stays.
    """
    if len(samples) < _WINDOW:
        return samples
    overlap = _WINDOW - _HOP
    spectrum = stft(samples, nperseg=_WINDOW, noverlap=overlap)[2]
    envelope = _log_envelope(spectrum)
    wanted = _warp(envelope, timbre)
    changed = spectrum * np.exp(wanted - envelope + _flicker(rng, spectrum.shape, timbre.roughness))
    if timbre.breath > 0.0:
        noise = rng.normal(size=(2, *spectrum.shape)) / np.sqrt(2.0)
        breathed = (noise[0] + 1j * noise[1]) * np.exp(wanted)
        changed = np.sqrt(1.0 - timbre.breath) * changed + np.sqrt(timbre.breath) * breathed
    out = istft(changed, nperseg=_WINDOW, noverlap=overlap)[1][: len(samples)]
    padded = np.zeros(len(samples), dtype=np.float32)
    padded[: len(out)] = out
    return padded


def _log_envelope(spectrum: npt.NDArray[np.complex128]) -> Matrix:
    log_magnitude = np.log(np.abs(spectrum) + _FLOOR)
    cepstrum = np.fft.irfft(log_magnitude, axis=0)
    cepstrum[_LIFTER : len(cepstrum) - _LIFTER + 1] = 0.0
    return np.asarray(np.fft.rfft(cepstrum, axis=0).real, dtype=np.float64)


def _warp(envelope: Matrix, timbre: Timbre) -> Matrix:
    """Move the envelope along frequency, and pull it towards or away from its own broad shape."""
    num_bins = envelope.shape[0]
    frequency = np.arange(num_bins) * (SAMPLE_RATE_HZ / 2.0) / (num_bins - 1)
    factors = np.interp(frequency, (0.0, 1000.0, 2000.0, 4000.0, 8000.0), timbre.resonances)
    source = (np.arange(num_bins) / factors).clip(0.0, num_bins - 1.001)
    low = source.astype(int)
    share = (source - low)[:, None]
    moved = (1.0 - share) * envelope[low] + share * envelope[low + 1]
    level = moved.mean(axis=0, keepdims=True)
    return np.asarray(level + timbre.clarity * (moved - level), dtype=np.float64)


def _flicker(rng: np.random.Generator, shape: tuple[int, ...], spread_db: float) -> Matrix:
    """Small level changes, alike within about 500 Hz and 30 ms, as no two glottal pulses are alike."""
    coarse = rng.normal(size=(shape[0] // 16 + 2, shape[1] // 4 + 2)) * spread_db * np.log(10.0) / 20.0
    return np.asarray(np.repeat(np.repeat(coarse, 16, 0), 4, 1)[: shape[0], : shape[1]], dtype=np.float64)
