"""Root-mean-square normalisation that keeps the dtype it is given, so that autocast stays fused."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """Scale the last axis to unit root mean square, times a learned gain (Zhang and Sennrich, 2019)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., dim] for `x` [..., dim]."""
        return nn.functional.rms_norm(x, self.gain.shape, self.gain.to(x.dtype))
