"""The speech world's shards as log-mel levels and motion, and random crops of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.audio.level import LevelTracker
from models.audio.logmel import FLOOR_POWER, LogMelConfig, decibels, features
from models.lpm.config import LpmConfig
from models.lpm.windows import silence_before
from models.motion import FRAME_RATE_HZ
from training.lpm_motion.augmentation import augment
from training.lpm_motion.config import AugmentationConfig, TrainingConfig
from training.worlds.speech import PHONE_SET, Phone, read_shards

PHONES: Final = tuple(sorted(PHONE_SET))

FloatArray = npt.NDArray[np.float32]
HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechData:
    """Equally long clips: `levels` [clips, mel frames, bands + 1] in dB, `motion` [clips, frames, 58].

    `phones` [clips, frames * tokens per frame] are indices into `PHONES`, one per speak token.
    """

    levels: HalfArray
    motion: HalfArray
    phones: npt.NDArray[np.int8]

    @property
    def hours(self) -> float:
        return float(self.motion.shape[0] * self.motion.shape[1] / FRAME_RATE_HZ / 3600)


class Batch(NamedTuple):
    """Crops: `speak` [rows, mel frames with context, channels], `motion` [rows, frames, 58] as it is,
    `phones` [rows, tokens]."""

    speak: Tensor
    motion: Tensor
    phones: Tensor


def load_speech(folder: Path, model: LpmConfig) -> SpeechData:
    """Read the shards of a folder. Raises ValueError when it holds none."""
    levels, motion, phones = [], [], []
    for shard in read_shards(folder):
        levels += [clip_levels(clip, model.logmel) for clip in shard.samples]
        motion.append(shard.motion)
        tokens = shard.motion.shape[1] * model.tokens_per_frame
        phones += [phone_labels(spoken, tokens, model) for spoken in shard.phones]
    return SpeechData(levels=np.stack(levels), motion=np.concatenate(motion), phones=np.stack(phones))


def phone_labels(phones: Sequence[Phone], tokens: int, model: LpmConfig) -> npt.NDArray[np.int8]:
    """Return the index in `PHONES` of the phone at the middle of each token [tokens]."""
    hop_s = 1 / (FRAME_RATE_HZ * model.tokens_per_frame)
    middles = np.arange(tokens) * hop_s + 0.5 / model.logmel.frame_rate_hz
    spoken = np.searchsorted([phone.end_s for phone in phones], middles, side="right")
    labels = [PHONES.index(phone.symbol) for phone in phones]
    return np.array(labels, np.int8)[np.minimum(spoken, len(labels) - 1)]


def clip_levels(samples: npt.NDArray[np.int16], config: LogMelConfig) -> HalfArray:
    """Return the dB levels [N / hop, bands + 1] of one clip, silence assumed around it."""
    padded = np.pad(samples.astype(np.float32) / np.float32(32768), config.margin)
    return decibels(padded, len(samples) // config.hop, config).astype(np.float16)


class MotionStatistics(NamedTuple):
    """Per number, each [58]: mean, standard deviation, and the usual change between frames in deviations."""

    mean: Tensor
    std: Tensor
    change: Tensor


def motion_statistics(data: SpeechData, config: TrainingConfig) -> MotionStatistics:
    """Return the statistics of the taught motion; what hardly moves is taken to move a little."""
    flat = data.motion.reshape(-1, data.motion.shape[-1]).astype(np.float32)
    std = np.maximum(flat.std(0), config.least_std)
    moved = np.sqrt(np.square(np.diff(data.motion.astype(np.float32), axis=1)).mean((0, 1)))
    change = np.maximum(moved / std, config.least_change)
    return MotionStatistics(*(torch.from_numpy(value) for value in (flat.mean(0), std, change)))


class CropSampler:
    """Draws batches of random crops, augmented, from a generator of its own."""

    def __init__(self, data: SpeechData, config: TrainingConfig, seed: int) -> None:
        self._data = data
        self._config = config
        self._random = np.random.default_rng(seed)

    def draw(self) -> Batch:
        """Return one batch; every row has its own clip, start and augmentation."""
        config, model = self._config, self._config.model
        frames = config.chunks * model.cache.chunk
        clips = self._random.integers(len(self._data.motion), size=config.batch)
        starts = self._random.integers(self._data.motion.shape[1] - frames + 1, size=config.batch)
        levels = self._data.levels[clips].astype(np.float32)
        speak = speak_features(levels, model, config.augmentation, self._random)
        length = frames * model.mels_per_frame + model.left_context + model.look_ahead
        first = starts * model.mels_per_frame
        crops = np.stack([row[at : at + length] for row, at in zip(speak, first, strict=True)])
        motion = np.stack(
            [self._data.motion[clip, at : at + frames] for clip, at in zip(clips, starts, strict=True)]
        )
        tokens = model.tokens_per_frame
        spoken = np.stack(
            [
                self._data.phones[clip, at * tokens : (at + frames) * tokens]
                for clip, at in zip(clips, starts, strict=True)
            ]
        )
        return Batch(
            speak=torch.from_numpy(crops),
            motion=torch.from_numpy(motion.astype(np.float32)),
            phones=torch.from_numpy(spoken.astype(np.int64)),
        )


def speak_features(
    levels: FloatArray, model: LpmConfig, augmentation: AugmentationConfig, random: np.random.Generator
) -> FloatArray:
    """Return augmented features of whole clips, with the model's context of silence around them."""
    changed = augment(levels, augmentation, random)
    return _padded_features(changed, model)


def clean_features(levels: HalfArray, model: LpmConfig) -> FloatArray:
    """Return features of whole clips as a session would hear them, with context of silence."""
    return _padded_features(levels.astype(np.float32), model)


def _padded_features(levels: FloatArray, model: LpmConfig) -> FloatArray:
    config = model.logmel
    silence = 10 * np.log10(FLOOR_POWER)
    after = np.pad(levels, ((0, 0), (0, model.look_ahead), (0, 0)), constant_values=silence)
    heard = features(after, LevelTracker(config.level, rows=len(levels)), config)
    before = np.broadcast_to(silence_before(model), (len(levels), model.left_context, config.channels))
    return np.concatenate((before, heard), axis=1)
