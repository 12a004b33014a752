"""Adaptive normalisation: a condition vector scales, shifts and gates a block."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Modulation(NamedTuple):
    """Shift, factor and gate, each [..., dim]; 0, 1 and 1 change nothing."""

    shift: Tensor
    factor: Tensor
    gate: Tensor


class TimestepEmbedding(nn.Module):
    """Map a noise level in [0, 1] to a vector: sinusoids, then two linear maps."""

    def __init__(self, *, frequencies: int, dim: int) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.inner = nn.Linear(2 * frequencies, dim)
        self.outer = nn.Linear(dim, dim)

    def forward(self, level: Tensor) -> Tensor:
        """Return [..., dim] for `level` [...]."""
        octave = torch.arange(self.frequencies, device=level.device, dtype=torch.float32)
        angles = level.float()[..., None] * (math.pi * 2.0 ** (octave / 2))
        waves = torch.cat((angles.cos(), angles.sin()), dim=-1).to(self.inner.weight.dtype)
        embedded: Tensor = self.outer(nn.functional.silu(self.inner(waves)))
        return embedded


def modulate(x: Tensor, modulation: Modulation) -> Tensor:
    """Return `x` scaled and shifted (Peebles and Xie, DiT, 2022)."""
    return torch.addcmul(modulation.shift, x, modulation.factor)
