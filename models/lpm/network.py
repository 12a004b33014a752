"""The transformer: a clean estimate of noisy motion frames, given their speech and their past."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from models.lpm.config import LpmConfig
from models.lpm.speak import SpeakEncoder
from models.motion import NUM_MOTION
from models.nn.attention import LocalCrossAttention, LocalMemory, SelfAttention, attend
from models.nn.cache import KVCache, visible_tokens
from models.nn.feedforward import FeedForward
from models.nn.modulation import Modulation, TimestepEmbedding, modulate
from models.nn.norm import RMSNorm
from models.nn.rotary import rotate, rotation

# Shapes: S slots, N frames, C chunk frames, M motion numbers, D width, L layers, K cached tokens.

# Attends the given layer's tokens [S, N, D] (already normalised) to whatever they may see.
Mixer = Callable[[int, SelfAttention, Tensor], Tensor]


class ChunkResult(NamedTuple):
    """A clean estimate [S, C, M] and the chunk's un-rotated keys and values [S, L, C, H, E]."""

    clean: Tensor
    keys: Tensor
    values: Tensor


class Block(nn.Module):
    """Self-attention, cross-attention to a stream (even layers), feed-forward; each modulated and gated."""

    def __init__(self, config: LpmConfig, *, layer: int) -> None:
        super().__init__()
        dim = config.dim
        self.layer = layer
        self.norms = nn.ModuleList(nn.RMSNorm(dim, elementwise_affine=False) for _ in range(3))
        self.attention = SelfAttention(dim=dim, heads=config.heads)
        self.speak = _speak_attention(config) if layer % 2 == 0 else None
        self.feedforward = FeedForward(dim=dim, hidden=config.hidden)
        self.modulation = nn.Parameter(torch.zeros(9, dim))

    def forward(self, x: Tensor, condition: Tensor, mixer: Mixer, memory: LocalMemory | None) -> Tensor:
        """Return [S, N, D] for `x` [S, N, D] and the shared timestep `condition` [S, N, 9, D]."""
        parts = (condition + self.modulation).unbind(dim=-2)
        first, second, third = (Modulation(*parts[i : i + 3]) for i in (0, 3, 6))
        attended = mixer(self.layer, self.attention, modulate(self.norms[0](x), first))
        x = x + (1 + first.gate) * attended
        if self.speak is not None and memory is not None:
            x = x + (1 + second.gate) * self.speak(modulate(self.norms[1](x), second), memory)
        mapped: Tensor = x + (1 + third.gate) * self.feedforward(modulate(self.norms[2](x), third))
        return mapped


def _speak_attention(config: LpmConfig) -> LocalCrossAttention:
    return LocalCrossAttention(
        dim=config.dim,
        memory_dim=config.speak.width,
        heads=config.heads,
        window=config.attention_window,
        stride=config.tokens_per_frame,
    )


class LpmNetwork(nn.Module):
    """Base and online LPM in one: whole sequences for training, one chunk and a cache for streaming.

    Follows LPM 1.0 (arXiv 2604.07823): speak audio in even layers, a bounded cache of a sink and a
    window whose keys are rotated when read, positions by slot. All motion here is standardised.
    """

    def __init__(self, config: LpmConfig) -> None:
        super().__init__()
        self.config = config
        self.speak_encoder = SpeakEncoder(config)
        self.speak_absent = nn.Parameter(torch.zeros(config.speak.width))
        self.embed = nn.Linear(NUM_MOTION, config.dim)
        self.timestep = TimestepEmbedding(frequencies=config.timestep_frequencies, dim=config.dim)
        self.condition = nn.Linear(config.dim, 9 * config.dim)
        self.blocks = nn.ModuleList(Block(config, layer=i) for i in range(config.layers))
        self.norm = RMSNorm(config.dim)
        self.head = nn.Linear(config.dim, NUM_MOTION)
        nn.init.zeros_(self.condition.weight)
        nn.init.zeros_(self.condition.bias)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def remember(self, tokens: Tensor) -> list[LocalMemory | None]:
        """Return each layer's view of the speak tokens [S, K, width]; None where a layer has none."""
        return [None if block.speak is None else block.speak.remember(tokens) for block in self._blocks()]

    def chunk(
        self, noisy: Tensor, level: Tensor, memory: list[LocalMemory | None], cache: KVCache
    ) -> ChunkResult:
        """Estimate the clean chunk behind `noisy` [S, C, M] at noise `level` [S, 1], reading the cache."""
        mixer = _CachedAttention(self.config, cache)
        clean = self._run(noisy, level, memory, mixer)
        return ChunkResult(clean, torch.stack(mixer.keys, dim=1), torch.stack(mixer.values, dim=1))

    def sequence(self, clean: Tensor, noisy: Tensor, level: Tensor, tokens: Tensor) -> Tensor:
        """Estimate every chunk of `noisy` [S, N, M] from the `clean` [S, N, M] chunks before it.

        `level` is [S, N / C], one per chunk; `tokens` are the speak tokens of all N frames. Equal to
        N / C calls of `chunk` with a cache that was written from `clean` at level 0.
        """
        both = torch.cat((clean, noisy))
        levels = torch.cat((torch.zeros_like(level), level))
        memory = [None if m is None else _twice(m) for m in self.remember(tokens)]
        mixer = _TeacherForcedAttention(self.config, frames=clean.shape[1], device=clean.device)
        return self._run(both, levels, memory, mixer)[clean.shape[0] :]

    def _run(self, x: Tensor, level: Tensor, memory: list[LocalMemory | None], mixer: Mixer) -> Tensor:
        hidden = self.embed(x)
        embedded = nn.functional.silu(self.timestep(level))
        condition = rearrange(self.condition(embedded), "s c (nine d) -> s c nine d", nine=9)
        condition = condition.repeat_interleave(x.shape[1] // level.shape[1], dim=1)
        for block, local in zip(self._blocks(), memory, strict=True):
            hidden = block(hidden, condition, mixer, local)
        clean: Tensor = self.head(self.norm(hidden))
        return clean

    def _blocks(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]


def _twice(memory: LocalMemory) -> LocalMemory:
    return LocalMemory(torch.cat((memory.key,) * 2), torch.cat((memory.value,) * 2))


class _CachedAttention:
    """Mix one chunk with the cached past and with itself, and keep its keys and values."""

    def __init__(self, config: LpmConfig, cache: KVCache) -> None:
        layout = config.cache
        self.cache = cache
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        device, head_dim = cache.keys.device, config.dim // config.heads
        positions = torch.arange(layout.current_start + layout.chunk, device=device)
        self.read_rotation = rotation(positions, head_dim, config.longest_wavelength)
        now = positions[layout.current_start :]
        self.now_rotation = rotation(now, head_dim, config.longest_wavelength)
        seen = visible_tokens(layout, cache.chunks)
        self.mask = torch.cat((seen, seen.new_ones(seen.shape[0], layout.chunk)), dim=1)[:, None, None]

    def __call__(self, layer: int, attention: SelfAttention, x: Tensor) -> Tensor:
        query, key, value = attention.project(x)
        self.keys.append(key)
        self.values.append(value)
        keys = torch.cat((self.cache.keys[:, layer].to(key.dtype), key), dim=1)
        values = torch.cat((self.cache.values[:, layer].to(value.dtype), value), dim=1)
        read = rotate(keys, self.read_rotation)
        return attention.merge(attend(rotate(query, self.now_rotation), read, values, self.mask))


class _TeacherForcedAttention:
    """Mix a clean and a noisy copy of whole sequences as `_CachedAttention` would chunk by chunk.

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
        self.slot_rotation = rotation(slots, head_dim, config.longest_wavelength)

    def __call__(self, _layer: int, attention: SelfAttention, x: Tensor) -> Tensor:
        query, key, value = attention.project(x)
        rotated, at_slot = rotate(query, self.true_rotation), rotate(query, self.slot_rotation)
        moving = rotate(key, self.true_rotation)
        cos, sin = self.true_rotation
        fixed = rotate(key[:, : self.sink], (cos[: self.sink], sin[: self.sink]))
        scores = torch.cat(
            (
                torch.einsum("snhe,skhe->shnk", at_slot, _of_clean(fixed)),
                torch.einsum("snhe,skhe->shnk", rotated, _of_clean(moving)),
                torch.einsum("snhe,skhe->shnk", rotated, moving),
            ),
            dim=-1,
        )
        scores = scores.float() * query.shape[-1] ** -0.5
        weights = scores.masked_fill(~self.mask, float("-inf")).softmax(dim=-1).to(value.dtype)
        clean_value = _of_clean(value)
        values = torch.cat((clean_value[:, : self.sink], clean_value, value), dim=1)
        return attention.merge(torch.einsum("shnk,skhe->snhe", weights, values))


def _of_clean(x: Tensor) -> Tensor:
    """The clean half of a stacked batch, for both halves."""
    return repeat(x[: x.shape[0] // 2], "s ... -> (two s) ...", two=2)
