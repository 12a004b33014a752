"""How a motion frame reads its conditions: one query, for a stream of sound and for direction."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention as attention

from models.lpm.streams import DirectionTokens
from models.nn.norm import RMSNorm

# Shapes: S slots, C chunks, N motion frames, K tokens of sound, I tokens of direction, H heads, E head width,
# D = H * E, W window.


class Presence(IntEnum):
    """What there is of a stream in a chunk: its sound; nobody; or, to train for guidance, no knowledge."""

    ABSENT = 0
    PRESENT = 1
    UNKNOWN = 2


class Inputs(NamedTuple):
    """What C chunks are conditioned on, before it is encoded.

    `speak` and `listen` are log-mel frames [S, T, channels] with the context that their encoders need; the
    presences int64 [S, C]; `concepts` int64 and `strengths` [S, C, items]; `known`, boolean [S, C], tells
    whether the direction is.
    """

    speak: Tensor
    speak_presence: Tensor
    listen: Tensor
    listen_presence: Tensor
    concepts: Tensor
    strengths: Tensor
    known: Tensor


class Heard(NamedTuple):
    """A stream of sound: tokens [S, K, width] of C chunks, and the `Presence` in each, int64 [S, C]."""

    tokens: Tensor
    presence: Tensor


class Conditions(NamedTuple):
    """What a stretch of motion is made for."""

    speak: Heard
    listen: Heard
    direction: DirectionTokens

    def map(self, change: Callable[[Tensor], Tensor]) -> Conditions:
        """Apply `change` to every tensor; they all have slots first."""
        return Conditions(
            Heard(*map(change, self.speak)),
            Heard(*map(change, self.listen)),
            DirectionTokens(*map(change, self.direction)),
        )


class Items(NamedTuple):
    """Keys and values of what is asked for in C chunks, as one layer reads them."""

    key: Tensor  # [S * C, H, I, E]
    value: Tensor
    bias: Tensor  # [S * C, 1, 1, I], -inf where there is no item


class Memory(NamedTuple):
    """Keys and values of one layer's conditions, ready to be read any number of times."""

    sound_key: Tensor  # [S, H, K, E]
    sound_value: Tensor
    bias: Tensor  # [1, H, N, K], -inf where a frame may not look
    instead: Tensor  # [S, N, D], read where the stream is not present
    present: Tensor  # boolean [S, N, 1]
    items: Items


class ConditionAttention(nn.Module):
    """Cross-attention to sound and to direction, which share the query and are added up.

    LPM 1.0 (arXiv 2604.07823): each branch has its own keys, values and output. A frame reads a window of
    the sound, at a learned bias per head and offset, and all of its chunk's direction.
    """

    def __init__(
        self, *, dim: int, heads: int, sound_width: int, window: int, stride: int, direction_width: int
    ) -> None:
        super().__init__()
        self.heads, self.window, self.stride = heads, window, stride
        self.query = nn.Linear(dim, dim, bias=False)
        self.query_norm = RMSNorm(dim // heads)
        self.sound = nn.Linear(sound_width, 2 * dim, bias=False)
        self.sound_norm = RMSNorm(dim // heads)
        self.offset_bias = nn.Parameter(torch.zeros(heads, window))
        self.instead = nn.Parameter(torch.zeros(2, dim))
        self.sound_out = nn.Linear(dim, dim)
        self.items = nn.Linear(direction_width, 2 * dim, bias=False)
        self.items_norm = RMSNorm(dim // heads)
        self.items_out = nn.Linear(dim, dim, bias=False)

    def remember(self, heard: Heard, direction: DirectionTokens, frames: int) -> Memory:
        """Project what the frames of C chunks will read.

        `heard` has (frames - 1) * stride + window tokens, or none where no slot has the stream.
        """
        key, value = self._split(self.sound(heard.tokens))
        presence = heard.presence.repeat_interleave(frames // heard.presence.shape[1], dim=1)[..., None]
        absent, unknown = self.instead.to(value.dtype)
        return Memory(
            sound_key=self.sound_norm(key),
            sound_value=value,
            bias=self._bias(frames, key.shape[2]).to(value.dtype),
            instead=torch.where(presence == Presence.UNKNOWN.value, unknown, absent),
            present=presence == Presence.PRESENT.value,
            items=self.remember_items(direction),
        )

    def remember_items(self, direction: DirectionTokens) -> Items:
        """Project what is asked for alone."""
        key, value = self._split(self.items(direction.tokens).flatten(0, 1))
        bias = hiding(direction.seen.flatten(0, 1), value)[:, None, None]
        return Items(self.items_norm(key), value, bias)

    def _split(self, projected: Tensor) -> tuple[Tensor, Tensor]:
        key, value = rearrange(projected, "s k (two h e) -> two s h k e", two=2, h=self.heads)
        return key, value

    def _bias(self, frames: int, tokens: int) -> Tensor:
        device = self.offset_bias.device
        offset = (
            torch.arange(tokens, device=device) - self.stride * torch.arange(frames, device=device)[:, None]
        )
        inside = (offset >= 0) & (offset < self.window)
        bias = self.offset_bias[:, offset.clamp(0, self.window - 1)]
        return bias.masked_fill(~inside, float("-inf"))[None]

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """Return [S, N, D]: what the frames `x` [S, N, D] read in `memory`."""
        slots, frames, _ = x.shape
        query = self.query_norm(rearrange(self.query(x), "s n (h e) -> s h n e", h=self.heads))
        heard = memory.instead
        if memory.sound_key.shape[2]:
            sound = attention(query, memory.sound_key, memory.sound_value, memory.bias)
            heard = torch.where(memory.present, _merge(sound), memory.instead)
        items = memory.items
        chunks = items.bias.shape[0] // slots
        asking = query if chunks == 1 else rearrange(query, "s h (c f) e -> (s c) h f e", c=chunks)
        obeyed = _merge(attention(asking, items.key, items.value, items.bias))
        directed: Tensor = self.items_out(obeyed.reshape(slots, frames, -1))
        spoken: Tensor = self.sound_out(heard)
        return spoken + directed


def hiding(seen: Tensor, like: Tensor) -> Tensor:
    """Return an attention bias of the shape of `seen`, with the dtype of `like`: -inf where it is False."""
    return torch.zeros_like(seen, dtype=like.dtype).masked_fill(~seen, float("-inf"))


def _merge(attended: Tensor) -> Tensor:
    return attended.transpose(1, 2).flatten(2)
