"""The conversation world's shards as log-mel levels, presence, direction and motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.audio.logmel import LogMelConfig, decibels
from models.lpm.config import LpmConfig
from models.lpm.model import mouth_columns
from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ, NUM_BLENDSHAPES
from training.lpm_motion.config import TrainingConfig
from training.worlds.conversation import read_shards
from training.worlds.speech import PHONE_SET, Phone
from training.worlds.speech.life import Phrase

PHONES: Final = tuple(sorted(PHONE_SET))

# What a listener should know: nobody spoke of late, somebody speaks, or for how long they have paused.
_LULL_EDGES_S: Final = (0.15, 0.3, 0.45, 0.6, 0.8, 1.2)
LULLS: Final = 2 + len(_LULL_EDGES_S)

FloatArray = npt.NDArray[np.float32]
HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """Equally long clips of F frames in C chunks.

    `levels` [clips, 2, mel frames, bands + 1] in dB, of the speak and the listen stream; `present`, boolean
    [clips, C, 2], tells which of them there is; `concepts` and `strengths` [clips, C, items] are the
    direction; `motion` [clips, F, 58]; `phones` [clips, F * tokens per frame] are indices into `PHONES`,
    one per speak token; `lulls` [clips, F] tell how long the other has paused, as `lull_labels` does.
    """

    levels: HalfArray
    present: npt.NDArray[np.bool_]
    concepts: npt.NDArray[np.int8]
    strengths: HalfArray
    motion: HalfArray
    phones: npt.NDArray[np.int8]
    lulls: npt.NDArray[np.int8]

    @property
    def num_clips(self) -> int:
        return int(self.motion.shape[0])

    @property
    def num_frames(self) -> int:
        return int(self.motion.shape[1])

    @property
    def hours(self) -> float:
        return self.num_clips * self.num_frames / FRAME_RATE_HZ / 3600


def load_scenes(folder: Path, model: LpmConfig) -> Scenes:
    """Read the shards of a folder. Raises ValueError when it holds none."""
    levels, phones, lulls, parts = [], [], [], []
    for shard in read_shards(folder):
        levels += [
            np.stack([clip_levels(samples, model.logmel) for samples in streams])
            for streams in zip(shard.speak, shard.listen, strict=True)
        ]
        tokens = shard.motion.shape[1] * model.tokens_per_frame
        phones += [phone_labels(spoken, tokens, model) for spoken in shard.phones]
        lulls += [lull_labels(heard, shard.motion.shape[1]) for heard in shard.heard]
        parts.append((shard.present, shard.concepts, shard.strengths, shard.motion))
    present, concepts, strengths, motion = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Scenes(
        levels=np.stack(levels),
        present=present,
        concepts=concepts,
        strengths=strengths,
        motion=motion,
        phones=np.stack(phones),
        lulls=np.stack(lulls),
    )


def phone_labels(phones: Sequence[Phone], tokens: int, model: LpmConfig) -> npt.NDArray[np.int8]:
    """Return the index in `PHONES` of the phone at the middle of each token [tokens]."""
    hop_s = 1 / (FRAME_RATE_HZ * model.tokens_per_frame)
    middles = np.arange(tokens) * hop_s + 0.5 / model.logmel.frame_rate_hz
    spoken = np.searchsorted([phone.end_s for phone in phones], middles, side="right")
    labels = [PHONES.index(phone.symbol) for phone in phones]
    return np.array(labels, np.int8)[np.minimum(spoken, len(labels) - 1)]


def lull_labels(heard: Sequence[Phrase], frames: int) -> npt.NDArray[np.int8]:
    """Return [F]: 0 when nobody has spoken for long, 1 while somebody does, else a class of pause."""
    ends = (np.arange(frames) + 1) / FRAME_RATE_HZ
    labels = np.zeros(frames, np.int8)
    for phrase in heard:
        since = ends - phrase.end_s
        paused = (since > 0) & (since <= _LULL_EDGES_S[-1])
        labels[paused] = 2 + np.searchsorted(_LULL_EDGES_S, since[paused])
        labels[(ends > phrase.start_s) & (since <= 0)] = 1
    return labels


def clip_levels(samples: npt.NDArray[np.int16], config: LogMelConfig) -> HalfArray:
    """Return the dB levels [N / hop, bands + 1] of one clip, silence assumed around it."""
    padded = np.pad(samples.astype(np.float32) / np.float32(32768), config.margin)
    return decibels(padded, len(samples) // config.hop, config).astype(np.float16)


class MotionStatistics(NamedTuple):
    """Per number, each [58]: mean, spread, and the usual change between frames in units of the spread."""

    mean: Tensor
    std: Tensor
    change: Tensor


def motion_statistics(scenes: Scenes, config: TrainingConfig) -> MotionStatistics:
    """Return the statistics of the taught motion; what hardly moves is taken to move a little.

    The spread is the standard deviation, but less for what moves slowly between places far apart: what a
    chunk leaves open, given its past, is how much a number changes in its time. Measured by where heads are
    turned to, a nod would be lost in the noise and in the loss. For the head it is that change; for
    other numbers but the mouth's, the geometric mean of both.
    """
    flat = scenes.motion.reshape(-1, scenes.motion.shape[-1]).astype(np.float32)
    deviation = flat.std(0)
    within = np.minimum(usual_change(scenes.motion, CHUNK_FRAMES), deviation)
    spread = np.sqrt(deviation * within)
    spread[NUM_BLENDSHAPES:] = within[NUM_BLENDSHAPES:]
    deviation, spread = np.maximum(deviation, config.least_std), np.maximum(spread, config.least_spread)
    std = np.where(mouth_columns().numpy(), deviation, spread)
    change = np.maximum(usual_change(scenes.motion, 1) / std, config.least_change)
    return MotionStatistics(*(torch.from_numpy(value) for value in (flat.mean(0), std, change)))


def usual_change(motion: HalfArray, frames: int) -> FloatArray:
    """Return by how much each number of motion [clips, F, 58] changes in so many frames, root mean square."""
    moved = motion[:, frames:].astype(np.float32) - motion[:, :-frames]
    return np.asarray(np.sqrt(np.square(moved).mean((0, 1))), np.float32)
