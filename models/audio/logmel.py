"""Log-mel frames: their configuration, the whole-signal transform and its streaming twin."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from models.audio.level import LevelConfig, LevelTracker

Array = npt.NDArray[np.float32]

SAMPLE_RATE_HZ: Final = 16_000
FLOOR_POWER: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMelConfig:
    """Mel bands from `lowest_hz` to `highest_hz`; frame k is centred on sample (k + 1/2) * hop.

    A feature is a decibel value relative to the level of the stream, plus `offset_db`, over
    `scale_db`, clipped to +-`clip`; so digital silence is exactly -`clip` in every band.
    """

    bands: int = 64
    lowest_hz: float = 60.0
    highest_hz: float = 7600.0
    hop: int = 160
    window: int = 400
    fft: int = 512
    offset_db: float = 25.0
    scale_db: float = 20.0
    clip: float = 2.0
    level: LevelConfig = field(default_factory=LevelConfig)

    @property
    def frame_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ // self.hop

    @property
    def channels(self) -> int:
        """The bands, then the frame's level against the stream's, then the stream's level."""
        return self.bands + 2

    @property
    def margin(self) -> int:
        """Samples a frame needs before the start and after the end of its own hop."""
        return (self.window - self.hop) // 2


class LogMelStream:
    """Samples pushed in pieces of any size come out as the frames that are complete.

    Frames equal those of `log_mel` over the whole signal. Memory is bounded by one window.
    """

    def __init__(self, config: LogMelConfig) -> None:
        self._config = config
        self._tracker = LevelTracker(config.level, rows=1)
        self._pending: Array = np.zeros(config.margin, np.float32)

    def push(self, samples: Array) -> Array:
        """Return features [frames, channels] for mono 16 kHz `samples` [N] in -1 .. 1."""
        config = self._config
        pending = np.concatenate((self._pending, samples.astype(np.float32, copy=False)))
        frames = max(0, (len(pending) - config.window) // config.hop + 1)
        self._pending = pending[frames * config.hop :]
        levels = decibels(pending, frames, config)
        heard: Array = features(levels[None], self._tracker, config)[0]
        return heard

    def flush(self) -> Array:
        """Return the frames that wait for the samples after the end, taking them as silence."""
        return self.push(np.zeros(self._config.margin, np.float32))


def log_mel(samples: Array, config: LogMelConfig) -> Array:
    """Return features [N // hop, channels] of a whole mono 16 kHz signal [N]."""
    stream = LogMelStream(config)
    return np.concatenate((stream.push(samples), stream.flush()))


def decibels(padded: Array, frames: int, config: LogMelConfig) -> Array:
    """Return band levels and, last, the frame level, [frames, bands + 1], in dB of full scale.

    Frame k reads `window` samples of `padded` from k * hop on.
    """
    if frames == 0:
        return np.zeros((0, config.bands + 1), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, config.window)[:: config.hop][:frames]
    spectrum = np.abs(np.fft.rfft(windows * _taper(config), config.fft)).astype(np.float32) ** 2
    power = np.concatenate((spectrum @ _filters(config), np.square(windows).mean(1, keepdims=True)), axis=1)
    decibel: Array = 10 * np.log10(power + np.float32(FLOOR_POWER))
    return decibel


def features(decibel: Array, tracker: LevelTracker, config: LogMelConfig) -> Array:
    """Return features [rows, frames, channels] of `decibels` output [rows, frames, bands + 1]."""
    level = tracker.push(decibel[..., -1])[..., None]
    relative = (decibel - level + config.offset_db) / config.scale_db
    stream = (level - config.level.prior_db) / config.scale_db
    clipped = np.clip(np.concatenate((relative, stream), axis=-1), -config.clip, config.clip)
    return np.asarray(clipped, np.float32)


@cache
def _taper(config: LogMelConfig) -> Array:
    """A Hann window, scaled so that the spectrum sums to the mean square of the frame."""
    taper = np.hanning(config.window + 1)[:-1]
    scaled: Array = (taper * np.sqrt(2 / (config.fft * np.square(taper).sum()))).astype(np.float32)
    return scaled


@cache
def _filters(config: LogMelConfig) -> Array:
    """Triangles on the mel scale (O'Shaughnessy), [fft / 2 + 1, bands], summing to one inside."""
    edges_mel = np.linspace(_to_mel(config.lowest_hz), _to_mel(config.highest_hz), config.bands + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    bins = np.arange(config.fft // 2 + 1) * SAMPLE_RATE_HZ / config.fft
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    triangles: Array = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return triangles


def _to_mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))
