"""Attention that reads the same in training (whole sequence) and in streaming (one chunk and a cache)."""

from __future__ import annotations

from typing import NamedTuple

from einops import rearrange
from torch import Tensor, nn

from models.nn.norm import RMSNorm

# Shapes: S rows, N query tokens, K key tokens, H heads, E head width, D = H * E.


class QKV(NamedTuple):
    """Projected tokens, not rotated: each [S, N, H, E]."""

    query: Tensor
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

    def project(self, x: Tensor) -> QKV:
        """Return un-rotated queries, keys and values of `x` [S, N, D]."""
        query, key, value = rearrange(self.qkv(x), "s n (three h e) -> three s n h e", three=3, h=self.heads)
        return QKV(self.query_norm(query), self.key_norm(key), value)

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
