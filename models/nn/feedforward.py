"""The position-wise part of a transformer block."""

from __future__ import annotations

from torch import Tensor, nn


class FeedForward(nn.Module):
    """Two linear maps around a GELU."""

    def __init__(self, *, dim: int, hidden: int) -> None:
        super().__init__()
        self.inner = nn.Linear(dim, hidden)
        self.outer = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., dim] for `x` [..., dim]."""
        mapped: Tensor = self.outer(nn.functional.gelu(self.inner(x), approximate="tanh"))
        return mapped
