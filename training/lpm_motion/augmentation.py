"""Changes to log-mel levels that keep timing and meaning: channel, noise, bandwidth, vocal tract, gain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.lpm_motion.config import AugmentationConfig

FloatArray = npt.NDArray[np.float32]

# Shapes: R rows, K mel frames, B bands; levels are [R, K, B + 1], the last column the frame's level.


def augment(levels: FloatArray, config: AugmentationConfig, random: np.random.Generator) -> FloatArray:
    """Return changed levels in dB; each row is changed in its own way."""
    bands = _warp(levels[..., :-1], config, random)
    curve = _equaliser(bands.shape, config, random) + _low_pass(bands.shape, config, random)
    curve = curve + _notch(bands.shape, config, random)
    bands = bands + curve
    energy = levels[..., -1] + _power_mean_db(bands) - _power_mean_db(levels[..., :-1])
    noise, noise_energy = _noise(bands.shape, energy, config, random)
    mixed = np.concatenate((_add_db(bands, noise), _add_db(energy, noise_energy)[..., None]), axis=-1)
    gain = random.normal(0, config.gain_db, (len(levels), 1, 1))
    return np.maximum(mixed + gain, -100).astype(np.float32)


def _warp(bands: FloatArray, config: AugmentationConfig, random: np.random.Generator) -> FloatArray:
    """Stretch the frequency axis of each row, as a longer or shorter vocal tract does."""
    count = bands.shape[-1]
    factor = 1 + random.uniform(-config.warp, config.warp, (len(bands), 1))
    position = np.clip(np.arange(count) * factor, 0, count - 1)
    low = np.minimum(position.astype(np.int64), count - 2)
    share = (position - low).astype(np.float32)[:, None]
    left = np.take_along_axis(bands, low[:, None], axis=-1)
    right = np.take_along_axis(bands, low[:, None] + 1, axis=-1)
    warped: FloatArray = left * (1 - share) + right * share
    return warped


def _equaliser(shape: tuple[int, ...], config: AugmentationConfig, random: np.random.Generator) -> FloatArray:
    phase = np.linspace(0, np.pi, shape[-1])
    terms = np.arange(1, config.equaliser_terms + 1)
    weights = random.normal(0, config.equaliser_db, (shape[0], len(terms))) / np.sqrt(terms)
    curve: FloatArray = (weights @ np.cos(terms[:, None] * phase))[:, None].astype(np.float32)
    return curve


def _low_pass(shape: tuple[int, ...], config: AugmentationConfig, random: np.random.Generator) -> FloatArray:
    chosen = random.random((shape[0], 1)) < config.low_pass_share
    edge = random.uniform(0.55, 1.0, (shape[0], 1)) * shape[-1]
    depth = random.uniform(1.0, 8.0, (shape[0], 1))
    above = np.maximum(0, np.arange(shape[-1]) - edge)
    return -(chosen * np.minimum(depth * above, 60)).astype(np.float32)[:, None]


def _notch(shape: tuple[int, ...], config: AugmentationConfig, random: np.random.Generator) -> FloatArray:
    """Take a few neighbouring bands away, so that no band is trusted alone."""
    width = random.integers(*config.notch_bands, (shape[0], 1))
    width = width * (random.random((shape[0], 1)) < config.notch_share)
    first = random.integers(shape[-1] - config.notch_bands[1], size=(shape[0], 1))
    band = np.arange(shape[-1])
    inside = (band >= first) & (band < first + width)
    return -(inside * config.notch_db).astype(np.float32)[:, None]


def _noise(
    shape: tuple[int, ...], energy: FloatArray, config: AugmentationConfig, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Steady noise of a random colour, against the loud frames of its row; far below where not chosen."""
    loud = np.percentile(energy, 90, axis=1)[:, None, None]
    ratio = random.uniform(*config.noise_range_db, (shape[0], 1, 1))
    chosen = random.random((shape[0], 1, 1)) < config.noise_share
    total = np.where(chosen, loud + ratio, -110.0)
    colour = _equaliser(shape, config, random) * 1.5
    colour = colour - _power_mean_db(colour)[..., None] - 10 * np.log10(shape[-1])
    jitter = random.standard_normal(shape, dtype=np.float32) * config.noise_jitter_db
    noise = (total + colour + jitter).astype(np.float32)
    return noise, np.broadcast_to(total[..., 0], energy.shape).astype(np.float32)


def _power_mean_db(bands: FloatArray) -> FloatArray:
    mean: FloatArray = 10 * np.log10(np.exp(bands * np.float32(np.log(10) / 10)).mean(-1) + 1e-12)
    return mean


def _add_db(first: FloatArray, second: FloatArray) -> FloatArray:
    """Add powers given in dB."""
    scale = np.float32(np.log(10) / 10)
    added: FloatArray = np.logaddexp(first * scale, second * scale) / scale
    return added
