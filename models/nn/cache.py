"""A bounded key/value cache of whole chunks: a few first ones (sink) and the most recent (window)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

# Shapes: S slots, L layers, K cached tokens (sink, then the window, oldest first), H heads, E head width.


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLayout:
    """How many chunks are kept, how long they are, and the position each cached token is read at.

    A window token's position depends on its age alone, a sink token's on nothing, so a session of
    any length meets only positions 0 .. `current_start + chunk - 1`.
    """

    sink: int
    window: int
    chunk: int

    @property
    def tokens(self) -> int:
        return (self.sink + self.window) * self.chunk

    @property
    def current_start(self) -> int:
        """Position of the first token of the chunk being made."""
        return self.tokens


class KVCache(NamedTuple):
    """Un-rotated keys and values of the past, and how many chunks each slot has written."""

    keys: Tensor  # [S, L, K, H, E]
    values: Tensor  # [S, L, K, H, E]
    chunks: Tensor  # [S], int64


def init_cache(
    layout: CacheLayout, *, slots: int, layers: int, heads: int, like: Tensor, width: int
) -> KVCache:
    """Return an empty cache with the device and dtype of `like`."""
    shape = (slots, layers, layout.tokens, heads, width)
    chunks = torch.zeros(slots, dtype=torch.int64, device=like.device)
    return KVCache(keys=like.new_zeros(shape), values=like.new_zeros(shape), chunks=chunks)


def visible_tokens(layout: CacheLayout, chunks: Tensor) -> Tensor:
    """Return which cached tokens may be read, boolean [S, K].

    A sink chunk is read only once it has left the window, so no chunk is ever read twice.
    """
    sink_index = torch.arange(layout.sink, device=chunks.device)
    window_age = torch.arange(layout.window, 0, -1, device=chunks.device)
    sink = chunks[:, None] - sink_index > layout.window
    window = chunks[:, None] >= window_age
    return torch.cat((sink, window), dim=1).repeat_interleave(layout.chunk, dim=1)


def append_chunk(
    layout: CacheLayout, cache: KVCache, keys: Tensor, values: Tensor, active: Tensor
) -> KVCache:
    """Write one chunk (`keys`, `values` [S, L, chunk, H, E]) into the active slots."""
    sink_index = torch.arange(layout.sink, device=active.device).repeat_interleave(layout.chunk)
    is_sink = (cache.chunks[:, None] == sink_index) & active[:, None]
    return KVCache(
        keys=_append(layout, cache.keys, keys, is_sink, active),
        values=_append(layout, cache.values, values, is_sink, active),
        chunks=cache.chunks + active,
    )


def _append(layout: CacheLayout, past: Tensor, chunk: Tensor, is_sink: Tensor, active: Tensor) -> Tensor:
    split = layout.sink * layout.chunk
    repeated = chunk.repeat(1, 1, layout.sink, 1, 1)
    sink = torch.where(is_sink[:, None, :, None, None], repeated, past[:, :, :split])
    shifted = torch.cat((past[:, :, split + layout.chunk :], chunk), dim=2)
    window = torch.where(active[:, None, None, None, None], shifted, past[:, :, split:])
    return torch.cat((sink, window), dim=2)


def reset_cache(cache: KVCache, rows: Tensor) -> KVCache:
    """Empty the marked rows; `rows` is boolean [S]."""
    kept = ~rows
    mask = kept[:, None, None, None, None]
    return KVCache(keys=cache.keys * mask, values=cache.values * mask, chunks=cache.chunks * kept)
