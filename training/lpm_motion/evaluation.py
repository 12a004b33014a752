"""Figures of a motion LPM on held-out voices and on silence, streamed as sessions are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.audio.logmel import FLOOR_POWER
from models.lpm.conditions import Inputs, Presence
from models.lpm.config import LpmConfig
from models.lpm.model import Lpm, LpmChunk, draw_noise
from models.motion import CHUNK_FRAMES, INDEX
from models.streaming.model import StreamingModel
from training.lpm_motion.crops import crop
from training.lpm_motion.data import PHONES, FloatArray, Scenes
from training.lpm_motion.lips import CLOSED, lip_opening
from training.worlds.speech import BILABIALS

SLACK_FRAMES: Final = 1
HEAD: Final = ("headPitch", "headYaw", "headRoll")


StateT = TypeVar("StateT")


class StreamingLpm(StreamingModel[StateT, LpmChunk, Tensor], Protocol[StateT]):
    """Any LPM that performs chunk by chunk."""

    @property
    def config(self) -> LpmConfig:
        """What its conditions look like."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`closure`: share of /m b p/ whose lips meet within 40 ms; `opening_r`: correlation of lip opening
    with what was taught; `silent_opening`: most the lips part in silence, as a share of a wide-open jaw;
    `takes_mouth_r` and `takes_head_r`: likeness of two takes of one speech."""

    closure: float
    opening_r: float
    silent_opening: float
    takes_mouth_r: float
    takes_head_r: float


def evaluate(lpm: Lpm, data: Scenes, *, clips: int = 24, seed: int = 0) -> Figures:
    """Stream the first `clips` clips of held-out data twice, and as much silence."""
    taught = data.motion[:clips].astype(np.float32)
    one, other = (perform(lpm, data, clips, seed=seed + take) for take in range(2))
    silent = replace(
        data, levels=np.full_like(data.levels[:2], 10 * np.log10(FLOOR_POWER)), concepts=data.concepts * 0
    )
    head = [INDEX[name] for name in HEAD]
    return Figures(
        closure=closure(one, data.phones[:clips]),
        opening_r=likeness(opening(one), opening(taught)),
        silent_opening=float(opening(perform(lpm, silent, 2, seed=seed)).max()),
        takes_mouth_r=likeness(opening(one), opening(other)),
        takes_head_r=likeness(one[..., head], other[..., head]),
    )


def perform(lpm: StreamingLpm[StateT], scenes: Scenes, clips: int, *, seed: int) -> FloatArray:
    """Return the motion [clips, frames, 58] of the first clips, one slot each."""
    config = lpm.config
    rows = np.arange(min(clips, len(scenes.levels)))
    chunks = scenes.num_frames // CHUNK_FRAMES
    levels = scenes.levels[rows].astype(np.float32)
    inputs = crop(scenes, levels, rows, np.zeros_like(rows), config, chunks).inputs
    generator = torch.Generator().manual_seed(seed)
    state, active = lpm.init_state(len(rows)), torch.ones(len(rows), dtype=torch.bool)
    motions: list[Tensor] = []
    with torch.inference_mode():
        for n in range(chunks):
            chunk = chunk_of(inputs, n, config, draw_noise(len(rows), generator))
            motion, state = lpm.step(state, chunk, active)
            motions.append(motion)
    return torch.cat(motions, dim=1).numpy()


def chunk_of(inputs: Inputs, n: int, config: LpmConfig, noise: Tensor) -> LpmChunk:
    """Return what a session consumes for the chunk `n` of longer inputs, of which nothing is unknown."""
    first = n * config.chunk_mels
    return LpmChunk(
        speak=inputs.speak[:, first : first + config.window_mels],
        speaks=inputs.speak_presence[:, n] == Presence.PRESENT.value,
        listen=inputs.listen[:, first : first + config.listen_mels],
        listens=inputs.listen_presence[:, n] == Presence.PRESENT.value,
        concepts=inputs.concepts[:, n],
        strengths=inputs.strengths[:, n],
        noise=noise,
    )


def opening(motion: FloatArray) -> FloatArray:
    """Return the lip opening [..., frames] of motion [..., frames, 58]."""
    return lip_opening(torch.from_numpy(motion)).numpy()


def closure(motion: FloatArray, phones: npt.NDArray[np.int8]) -> float:
    """Return the share of bilabials in `phones` [clips, tokens] during which `motion` closes the lips."""
    shut = opening(motion) < CLOSED
    labels = [PHONES.index(symbol) for symbol in sorted(BILABIALS)]
    per_frame = phones.shape[1] // motion.shape[1]
    hits = [
        row_shut[max(first // per_frame - SLACK_FRAMES, 0) : last // per_frame + 1 + SLACK_FRAMES].any()
        for row_shut, row in zip(shut, phones, strict=True)
        for label in labels
        for first, last in _spans(row == label)
    ]
    return float(np.mean(hits)) if hits else float("nan")


def _spans(mask: npt.NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    """Return first and last index of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]


def likeness(one: FloatArray, other: FloatArray) -> float:
    """Return Pearson's correlation of two arrays, each clip against its own mean."""
    first, second = (x - x.mean(axis=1, keepdims=True) for x in (one, other))
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0
