"""Stored paths of the teacher from noise to motion, with what they were made for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.lpm.conditions import Inputs
from training.lpm_motion.crops import Batch

PATTERN: Final = "paths-{:05d}.npz"

# Shapes: S rows, N frames, M motion numbers, P points: the student's levels, its handover, the clean end.


class Paths(NamedTuple):
    """Points [S, P, N, M], standardised, of a batch of paths, and what they were made for."""

    inputs: Inputs
    motion: Tensor  # taught, [S, N, M] as it is
    points: Tensor

    def to(self, device: str) -> Paths:
        """Return the batch on another device."""
        moved = Inputs(*(tensor.to(device) for tensor in self.inputs))
        return Paths(moved, self.motion.to(device), self.points.to(device))

    @property
    def clean(self) -> Tensor:
        """The ends of the paths [S, N, M]."""
        return self.points[:, -1]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStore:
    """A folder of batches of paths, in half precision."""

    folder: Path

    def __len__(self) -> int:
        return len(list(self.folder.glob("paths-*.npz")))

    def write(self, index: int, batch: Batch, points: Tensor) -> None:
        """Store the batch `index`, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        named = {**batch.inputs._asdict(), "motion": batch.motion, "points": points}
        arrays: dict[str, Any] = {name: _small(tensor) for name, tensor in named.items()}
        partial = self.folder / "partial.npz"
        np.savez(partial, **arrays)
        partial.replace(self.folder / PATTERN.format(index))

    def read(self, index: int) -> Paths:
        """Return the batch `index`."""
        with np.load(self.folder / PATTERN.format(index)) as arrays:
            tensors = {name: _full(torch.from_numpy(arrays[name])) for name in arrays.files}
        motion, points = tensors.pop("motion"), tensors.pop("points")
        return Paths(Inputs(**tensors), motion, points)

    def draw(self, seed: int) -> Iterator[Paths]:
        """Return batches in random order, for ever. Raises ValueError when there are none."""
        if not len(self):
            raise ValueError(f"{self.folder} holds no paths: run the stage `trajectories` first")
        random = np.random.default_rng(seed)
        return (self.read(int(random.integers(len(self)))) for _ in iter(int, 1))


def _small(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        return np.asarray(tensor.half())
    return np.asarray(tensor if tensor.dtype == torch.bool else tensor.to(torch.int8))


def _full(tensor: Tensor) -> Tensor:
    if tensor.is_floating_point():
        return tensor.float()
    return tensor if tensor.dtype == torch.bool else tensor.long()
