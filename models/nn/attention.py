"""Attention that reads the same in training (whole sequence) and in streaming (one chunk and a cache)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from models.nn.norm import RMSNorm, unit_rms
from models.nn.rotary import Rotation, rotate

# Shapes: S rows, N query tokens, K key tokens, H heads, E head width, D = H * E.


class QKV(NamedTuple):
    """Projected tokens, each [S, N, H, E]: queries and keys rotated, keys as they are, values."""

    query: Tensor
    rotated_key: Tensor
    key: Tensor
    value: Tensor


class SelfAttention(nn.Module):
    """Projections of a multi-head attention with normalised queries and keys.

    Who attends to whom, and at which positions, is the caller's matter: see `attend`.
    """

    def __init__(self, *, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.query_norm = RMSNorm(dim // heads)
        self.key_norm = RMSNorm(dim // heads)
        self.out = nn.Linear(dim, dim)

    def project(self, x: Tensor, cos_sin: Rotation) -> QKV:
        """Return what `x` [S, N, D] asks, offers and holds, at the positions that `cos_sin` stands for."""
        projected = rearrange(self.qkv(x), "s n (three h e) -> s n three h e", three=3, h=self.heads)
        gains = torch.stack((self.query_norm.gain, self.key_norm.gain))[:, None]
        normed = (unit_rms(projected[:, :, :2]) * gains.to(projected.dtype)).flatten(2, 3)
        query, rotated_key = rotate(normed, cos_sin).chunk(2, dim=2)
        return QKV(query, rotated_key, normed[:, :, self.heads :], projected[:, :, 2])

    def merge(self, attended: Tensor) -> Tensor:
        """Return [S, N, D] from attended values [S, N, H, E]."""
        merged: Tensor = self.out(rearrange(attended, "s n h e -> s n (h e)"))
        return merged


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return attended values [S, N, H, E]; `mask` is boolean and broadcasts to [S, H, N, K]."""
    attended = nn.functional.scaled_dot_product_attention(
        query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attn_mask=mask
    )
    return attended.transpose(1, 2)
