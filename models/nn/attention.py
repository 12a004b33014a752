"""Attention that reads the same in training (whole sequence) and in streaming (one chunk and a cache)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from models.nn.norm import RMSNorm

# Shapes: S rows, N query tokens, K key tokens, H heads, E head width, D = H * E, W local window.


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


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Return attended values [S, N, H, E]; `mask` is boolean and broadcasts to [S, H, N, K]."""
    attended = nn.functional.scaled_dot_product_attention(
        query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attn_mask=mask
    )
    return attended.transpose(1, 2)


class LocalMemory(NamedTuple):
    """Keys and values that each query may read, already cut out: each [S, N, W, H, E]."""

    key: Tensor
    value: Tensor


class LocalCrossAttention(nn.Module):
    """Attention of each frame to its own narrow window of a conditioning stream.

    A learned bias per head and offset takes the place of positions.
    """

    def __init__(self, *, dim: int, memory_dim: int, heads: int, window: int, stride: int) -> None:
        super().__init__()
        self.heads, self.window, self.stride = heads, window, stride
        self.query = nn.Linear(dim, dim, bias=False)
        self.query_norm = RMSNorm(dim // heads)
        self.memory = nn.Linear(memory_dim, 2 * dim, bias=False)
        self.key_norm = RMSNorm(dim // heads)
        self.offset_bias = nn.Parameter(torch.zeros(heads, window))
        self.out = nn.Linear(dim, dim)

    def remember(self, stream: Tensor) -> LocalMemory:
        """Project `stream` [S, (N - 1) * stride + window, D] and cut one window per frame."""
        key, value = rearrange(self.memory(stream), "s k (two h e) -> two s k h e", two=2, h=self.heads)
        return LocalMemory(self._windows(self.key_norm(key)), self._windows(value))

    def _windows(self, x: Tensor) -> Tensor:
        return rearrange(x.unfold(1, self.window, self.stride), "s n h e w -> s n w h e")

    def forward(self, x: Tensor, memory: LocalMemory) -> Tensor:
        """Return [S, N, D]: what each of the frames `x` [S, N, D] reads in its own window."""
        query = self.query_norm(rearrange(self.query(x), "s n (h e) -> s n h e", h=self.heads))
        scores = torch.einsum("snhe,snwhe->snhw", query, memory.key) * query.shape[-1] ** -0.5
        weights = (scores + self.offset_bias).softmax(dim=-1).to(memory.value.dtype)
        read = torch.einsum("snhw,snwhe->snhe", weights, memory.value)
        merged: Tensor = self.out(rearrange(read, "s n h e -> s n (h e)"))
        return merged
