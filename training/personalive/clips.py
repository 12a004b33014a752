"""Clips of faces, as files and in memory, and the batches that are drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Shapes: B rows, F frames, T frames of a clip, H = W rows and columns of a picture.


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Consecutive pictures of one face: uint8 RGB [T, H, W, 3].

    `regions` int32 [T, 3, 4] are left, top, right and bottom, in pixels, of face, eyes and mouth.
    """

    pictures: NDArray[np.uint8]
    regions: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.pictures)


class Batch(NamedTuple):
    """References [B, H, W, 3], targets [B, F, H, W, 3] of the same faces, uint8 RGB, and where what is.

    `regions` [B, F, 3, 4] are those of `Clip`.
    """

    references: Tensor
    targets: Tensor
    regions: Tensor

    def to(self, device: str) -> Batch:
        """Return the batch on another device."""
        return Batch(*(tensor.to(device) for tensor in self))


def save_clip(path: Path, clip: Clip) -> None:
    """Write a clip, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, pictures=clip.pictures, regions=clip.regions)
    partial.replace(path)


def load_clips(folder: Path, size: int) -> list[Clip]:
    """Read all clips of a folder. Raises ValueError when there are none, or of another size in pixels."""
    paths = sorted(path for path in folder.glob("*.npz") if not path.name.endswith(".partial.npz"))
    if not paths:
        raise ValueError(f"{folder} holds no clips: prepare some first")
    return [_load(path, size) for path in paths]


def _load(path: Path, size: int) -> Clip:
    with np.load(path) as arrays:
        clip = Clip(pictures=arrays["pictures"], regions=arrays["regions"])
    if clip.pictures.shape[1:] != (size, size, 3):
        raise ValueError(f"{path} has pictures of {clip.pictures.shape[1:]}, expected {(size, size, 3)}")
    return clip


class ClipSampler:
    """Draws batches of consecutive frames, and another frame of the same clip for each as its reference."""

    def __init__(self, clips: Sequence[Clip], *, batch: int, frames: int, seed: int) -> None:
        self._clips = [clip for clip in clips if len(clip) > frames]
        if not self._clips:
            longest = max((len(clip) for clip in clips), default=0)
            raise ValueError(f"no clip is longer than {frames} frames; the longest has {longest}")
        self._batch = batch
        self._frames = frames
        self._random = np.random.default_rng(seed)

    def draw(self) -> Batch:
        """Draw a batch, on the CPU."""
        rows = [self._draw_row() for _ in range(self._batch)]
        return Batch(*(torch.from_numpy(np.stack(parts)) for parts in zip(*rows, strict=True)))

    def _draw_row(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int32]]:
        clip = self._clips[int(self._random.integers(len(self._clips)))]
        start = int(self._random.integers(len(clip) - self._frames + 1))
        here = slice(start, start + self._frames)
        elsewhere = int(self._random.integers(len(clip) - self._frames))
        reference = elsewhere if elsewhere < start else elsewhere + self._frames
        return clip.pictures[reference], clip.pictures[here], clip.regions[here]
