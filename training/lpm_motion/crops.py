"""Random crops of scenes, as a session would hear them or with their sound changed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.audio.level import LevelTracker
from models.audio.logmel import FLOOR_POWER, features
from models.lpm.conditions import Inputs, Presence
from models.lpm.config import LpmConfig
from models.lpm.windows import silence
from models.motion import CHUNK_FRAMES
from training.lpm_motion.augmentation import augment
from training.lpm_motion.config import TrainingConfig
from training.lpm_motion.data import FloatArray, HalfArray, Scenes


class Batch(NamedTuple):
    """Crops of C chunks: their conditions, `motion` [rows, frames, 58] as it is, `phones` [rows, tokens],
    `lulls` [rows, frames]."""

    inputs: Inputs
    motion: Tensor
    phones: Tensor
    lulls: Tensor

    def to(self, device: str) -> Batch:
        """Return the batch on another device."""
        moved = Inputs(*(tensor.to(device) for tensor in self.inputs))
        return Batch(moved, self.motion.to(device), self.phones.to(device), self.lulls.to(device))


class CropSampler:
    """Draws batches of random crops, their sound changed, from a generator of its own."""

    def __init__(self, scenes: Scenes, config: TrainingConfig, seed: int) -> None:
        self._scenes = scenes
        self._config = config
        self._random = np.random.default_rng(seed)

    def draw(self) -> Batch:
        """Return one batch; every row has its own clip, start and changes. A crop begins with a chunk."""
        config, scenes = self._config, self._scenes
        rows = self._random.integers(scenes.num_clips, size=config.batch)
        spare = scenes.num_frames // CHUNK_FRAMES - config.chunks
        starts = self._random.integers(spare + 1, size=config.batch)
        levels = scenes.levels[rows].astype(np.float32)
        changed = augment(levels.reshape(-1, *levels.shape[2:]), config.augmentation, self._random)
        return crop(scenes, changed.reshape(levels.shape), rows, starts, config.model, config.chunks)


def crop(
    scenes: Scenes,
    levels: FloatArray,
    rows: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    model: LpmConfig,
    chunks: int,
) -> Batch:
    """Return `chunks` chunks of the clips `rows` from the chunks `starts` on; `levels` are those rows'."""

    def cut(values: npt.NDArray[np.generic], per_chunk: int) -> Tensor:
        pieces = [
            values[row, at * per_chunk : (at + chunks) * per_chunk]
            for row, at in zip(rows, starts, strict=True)
        ]
        return torch.from_numpy(np.stack(pieces))

    speak, listen = hear(levels, starts * model.chunk_mels, chunks, model)
    present = cut(scenes.present, 1)
    presence = torch.where(present, Presence.PRESENT.value, Presence.ABSENT.value)
    inputs = Inputs(
        speak=torch.from_numpy(speak),
        speak_presence=presence[..., 0],
        listen=torch.from_numpy(listen),
        listen_presence=presence[..., 1],
        concepts=cut(scenes.concepts, 1).long(),
        strengths=cut(scenes.strengths, 1).float(),
        known=torch.ones(len(rows), chunks, dtype=torch.bool),
    )
    return Batch(
        inputs=inputs,
        motion=cut(scenes.motion, CHUNK_FRAMES).float(),
        phones=cut(scenes.phones, CHUNK_FRAMES * model.tokens_per_frame).long(),
        lulls=cut(scenes.lulls, CHUNK_FRAMES).long(),
    )


def hear(
    levels: FloatArray | HalfArray, first: npt.NDArray[np.int64], chunks: int, model: LpmConfig
) -> tuple[FloatArray, FloatArray]:
    """Return the features of both streams with the context that `chunks` chunks need.

    `levels` [rows, 2, mel frames, bands + 1] are of whole clips; a row's crop begins at the log-mel frame
    `first`. Around a clip there is silence.
    """
    rows = len(levels)
    quiet = 10 * np.log10(FLOOR_POWER)
    padded = np.pad(
        levels.astype(np.float32), ((0, 0), (0, 0), (0, model.look_ahead), (0, 0)), constant_values=quiet
    )
    merged = padded.reshape(2 * rows, *padded.shape[2:])
    heard = features(merged, LevelTracker(model.logmel.level, rows=2 * rows), model.logmel)
    before = max(model.left_context, model.listen_context)
    still = np.broadcast_to(silence(model.logmel, before), (2 * rows, before, model.logmel.channels))
    streams = np.concatenate((still, heard), axis=1).reshape(rows, 2, -1, model.logmel.channels)
    length = chunks * model.chunk_mels
    return (
        _cut_all(streams[:, 0], first + before, model.left_context, length + model.look_ahead),
        _cut_all(streams[:, 1], first + before, model.listen_context, length - 1),
    )


def _cut_all(stream: FloatArray, starts: npt.NDArray[np.int64], before: int, after: int) -> FloatArray:
    return np.stack([row[at - before : at + after] for row, at in zip(stream, starts, strict=True)])
