"""Root-mean-square normalisation that keeps the dtype it is given, in as few operations as it can."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

_LEAST: Final = 1e-5


def unit_rms(x: Tensor) -> Tensor:
    """Scale the last axis of `x` to unit root mean square (Zhang and Sennrich, 2019)."""
    size = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
    normed: Tensor = x / (size * x.shape[-1] ** -0.5 + _LEAST).to(x.dtype)
    return normed


class RMSNorm(nn.Module):
    """`unit_rms`, times a learned gain."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., dim] for `x` [..., dim]."""
        return unit_rms(x) * self.gain.to(x.dtype)
