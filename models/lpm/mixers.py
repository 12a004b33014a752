"""Who sees whom in self-attention: a chunk its cache, both copies of a sequence, or all frames each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from einops import repeat
from torch import Tensor

from models.lpm.config import LpmConfig
from models.nn.attention import SelfAttention, attend
from models.nn.rotary import Rotation, rotate, rotation

# Shapes: S slots, N frames, C chunk frames, D width, L layers, K cached tokens, H heads, E head width.

# Attends the given layer's tokens [S, N, D] (already normalised) to whatever they may see.
Mixer = Callable[[int, SelfAttention, Tensor], Tensor]


class Past(NamedTuple):
    """A cache as the chunk being made reads it: keys rotated, everything one row per layer."""

    keys: Tensor  # [L, S, K, H, E]
    values: Tensor
    bias: Tensor  # [S, 1, 1, K + C], -inf where nothing is cached
    now: Rotation  # of the chunk being made


class CachedAttention:
    """Mix one chunk with the past and with itself, and keep its keys and values."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def __call__(self, layer: int, attention: SelfAttention, x: Tensor) -> Tensor:
        query, rotated, value = self.keep(attention, x)
        keys = torch.cat((self.past.keys[layer].to(rotated.dtype), rotated), dim=1)
        values = torch.cat((self.past.values[layer].to(value.dtype), value), dim=1)
        return attention.merge(attend(query, keys, values, self.past.bias.to(query.dtype)))

    def keep(self, attention: SelfAttention, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Keep a layer's keys and values; return its queries and rotated keys, and the values."""
        query, rotated, key, value = attention.project(x, self.past.now)
        self.keys.append(key)
        self.values.append(value)
        return query, rotated, value


class TeacherForcedAttention:
    """Mix a clean and a noisy copy of whole sequences as `CachedAttention` would chunk by chunk.

    Either copy sees earlier clean chunks and its own current one. The rotation of a window token
    depends on its distance only; a sink token is read from its slot, hence the second set of queries.
    """

    def __init__(self, config: LpmConfig, *, frames: int, device: torch.device) -> None:
        layout = config.cache
        self.sink = layout.sink * layout.chunk
        index = torch.arange(frames, device=device)
        chunk = index // layout.chunk
        age = chunk[:, None] - chunk
        past = (age >= 1) & (age <= layout.window)
        sink = (chunk[:, None] - chunk[: self.sink]) > layout.window
        self.mask = torch.cat((sink, past, age == 0), dim=1)
        head_dim = config.dim // config.heads
        self.true_rotation = rotation(index, head_dim, config.longest_wavelength)
        slots = layout.current_start + index % layout.chunk
        self.to_slot = rotation(slots - index, head_dim, config.longest_wavelength)

    def __call__(self, _layer: int, attention: SelfAttention, x: Tensor) -> Tensor:
        rotated, moving, _, value = attention.project(x, self.true_rotation)
        at_slot = rotate(rotated, self.to_slot)
        fixed = moving[:, : self.sink]
        scores = torch.cat(
            (
                torch.einsum("snhe,skhe->shnk", at_slot, _of_clean(fixed)),
                torch.einsum("snhe,skhe->shnk", rotated, _of_clean(moving)),
                torch.einsum("snhe,skhe->shnk", rotated, moving),
            ),
            dim=-1,
        )
        scores = scores.float() * rotated.shape[-1] ** -0.5
        weights = scores.masked_fill(~self.mask, float("-inf")).softmax(dim=-1).to(value.dtype)
        clean_value = _of_clean(value)
        values = torch.cat((clean_value[:, : self.sink], clean_value, value), dim=1)
        return attention.merge(torch.einsum("shnk,skhe->snhe", weights, values))


class WholeAttention:
    """Mix all frames with each other, at positions counted from the first."""

    def __init__(self, config: LpmConfig, *, frames: int, device: torch.device) -> None:
        positions = torch.arange(frames, device=device)
        self.rotation = rotation(positions, config.dim // config.heads, config.longest_wavelength)

    def __call__(self, _layer: int, attention: SelfAttention, x: Tensor) -> Tensor:
        query, key, _, value = attention.project(x, self.rotation)
        return attention.merge(attend(query, key, value))


def _of_clean(x: Tensor) -> Tensor:
    """The clean half of a stacked batch, for both halves."""
    return repeat(x[: x.shape[0] // 2], "s ... -> (two s) ...", two=2)
