"""The transformer: a clean estimate of noisy motion frames, given their conditions and their past."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from models.lpm.conditions import ConditionAttention, Conditions, Heard, Inputs, Memory
from models.lpm.config import LpmConfig
from models.lpm.streams import DirectionEncoder, listen_encoder, speak_encoder
from models.motion import NUM_MOTION
from models.nn.attention import SelfAttention, attend
from models.nn.cache import KVCache, visible_tokens
from models.nn.feedforward import FeedForward
from models.nn.modulation import Modulation, TimestepEmbedding, modulate
from models.nn.norm import RMSNorm, unit_rms
from models.nn.rotary import Rotation, rotate, rotation

# Shapes: S slots, N frames, C chunk frames, M motion numbers, D width, L layers, K cached tokens.

# Attends the given layer's tokens [S, N, D] (already normalised) to whatever they may see.
Mixer = Callable[[int, SelfAttention, Tensor], Tensor]


class ChunkResult(NamedTuple):
    """A clean estimate [S, C, M] and the chunk's un-rotated keys and values [S, L, C, H, E]."""

    clean: Tensor
    keys: Tensor
    values: Tensor


class Block(nn.Module):
    """Self-attention, cross-attention to the conditions, feed-forward; each modulated and gated.

    The conditions are the direction and one stream: speak in even layers, listen in odd ones.
    """

    neutral: Tensor

    def __init__(self, config: LpmConfig, *, layer: int) -> None:
        super().__init__()
        dim = config.dim
        self.layer = layer
        self.attention = SelfAttention(dim=dim, heads=config.heads)
        self.conditions = _condition_attention(config, hears_itself=layer % 2 == 0)
        self.feedforward = FeedForward(dim=dim, hidden=config.hidden)
        self.modulation = nn.Parameter(torch.zeros(9, dim))
        neutral = torch.tensor([0.0, 1.0, 1.0] * 3)[:, None].expand(9, dim)
        self.register_buffer("neutral", neutral.clone(), persistent=False)

    def forward(self, x: Tensor, condition: Tensor, mixer: Mixer, memory: Memory) -> Tensor:
        """Return [S, N, D] for `x` [S, N, D] and the shared timestep `condition` [S, N, 9, D]."""
        parts = (condition + (self.modulation + self.neutral)).unbind(dim=-2)
        first, second, third = (Modulation(*parts[i : i + 3]) for i in (0, 3, 6))
        attended = mixer(self.layer, self.attention, modulate(unit_rms(x), first))
        x = torch.addcmul(x, first.gate, attended)
        x = torch.addcmul(x, second.gate, self.conditions(modulate(unit_rms(x), second), memory))
        return torch.addcmul(x, third.gate, self.feedforward(modulate(unit_rms(x), third)))


def _condition_attention(config: LpmConfig, *, hears_itself: bool) -> ConditionAttention:
    attention = ConditionAttention(
        dim=config.dim,
        heads=config.heads,
        sound_width=config.speak.width if hears_itself else config.listen.width,
        window=config.attention_window if hears_itself else config.listen.window,
        stride=config.tokens_per_frame if hears_itself else 1,
        direction_width=config.direction.width,
    )
    # Speech alone is learned first; what comes later begins by changing nothing (LPM 1.0's curriculum).
    nn.init.zeros_(attention.items_out.weight)
    if not hears_itself:
        nn.init.zeros_(attention.sound_out.weight)
        nn.init.zeros_(attention.sound_out.bias)
        with torch.no_grad():
            attention.offset_bias.copy_(recency(config.heads, config.listen.window))
    return attention


def recency(heads: int, window: int) -> Tensor:
    """Return a bias [heads, window] for the newest sound, each head's four times flatter or so than the last.

    Press et al., ALiBi (2022): an even look at two seconds would hide the moment that matters.
    """
    slope = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
    return slope[:, None] * torch.arange(1 - window, 1)


class LpmNetwork(nn.Module):
    """Base and online LPM in one: whole sequences for training, one chunk and a cache for streaming.

    Follows LPM 1.0 (arXiv 2604.07823): speak audio in even layers, listen audio in odd ones, both beside
    the direction; a bounded cache of a sink and a window whose keys are rotated when read, positions by
    slot. All motion here is standardised.
    """

    def __init__(self, config: LpmConfig) -> None:
        super().__init__()
        self.config = config
        self.speak_encoder = speak_encoder(config)
        self.listen_encoder = listen_encoder(config)
        self.direction_encoder = DirectionEncoder(config)
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

    def encode(self, inputs: Inputs) -> Conditions:
        """Encode what is heard and asked for; each chunk's tokens depend on its own windows alone."""
        return Conditions(
            speak=Heard(self.speak_encoder(inputs.speak), inputs.speak_presence),
            listen=Heard(self.listen_encoder(inputs.listen), inputs.listen_presence),
            direction=self.direction_encoder(inputs.concepts, inputs.strengths, inputs.known),
        )

    def remember(self, conditions: Conditions, frames: int) -> list[Memory]:
        """Return what each layer reads of the conditions of `frames` motion frames."""
        heard = (conditions.speak, conditions.listen)
        return [
            block.conditions.remember(heard[block.layer % 2], conditions.direction, frames)
            for block in self._blocks()
        ]

    def recall(self, cache: KVCache) -> Past:
        """Read a cache once for all the estimates of a chunk."""
        layout, head_dim = self.config.cache, self.config.dim // self.config.heads
        positions = torch.arange(layout.current_start + layout.chunk, device=cache.keys.device)
        cos, sin = rotation(positions, head_dim, self.config.longest_wavelength)
        read, now = (cos[: layout.tokens], sin[: layout.tokens]), (cos[layout.tokens :], sin[layout.tokens :])
        seen = visible_tokens(layout, cache.chunks)
        return Past(
            keys=rotate(cache.keys, read).transpose(0, 1),
            values=cache.values.transpose(0, 1),
            mask=torch.cat((seen, seen.new_ones(seen.shape[0], layout.chunk)), dim=1)[:, None, None],
            now=now,
        )

    def chunk(self, noisy: Tensor, level: Tensor, memory: list[Memory], past: Past) -> ChunkResult:
        """Estimate the clean chunk behind `noisy` [S, C, M] at noise `level` [S, 1]."""
        mixer = _CachedAttention(past)
        clean = self._run(noisy, level, memory, mixer)
        return ChunkResult(clean, torch.stack(mixer.keys, dim=1), torch.stack(mixer.values, dim=1))

    def sequence(self, past: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions) -> Tensor:
        """Estimate every chunk of `noisy` [S, N, M] from the chunks of `past` [S, N, M] before it.

        `level` is [S, N / C], one per chunk; the conditions are those of all N frames. Equal to N / C
        calls of `chunk` with a cache that was written from `past` at level 0.
        """
        return self.copies(past, noisy, torch.zeros_like(level), level, conditions)[1]

    def copies(
        self, past: Tensor, noisy: Tensor, past_level: Tensor, level: Tensor, conditions: Conditions
    ) -> tuple[Tensor, Tensor]:
        """Estimate every chunk of both copies of a sequence, [S, N, M] each, from the earlier ones of `past`.

        Like `sequence`, with a past at `past_level` [S, N / C], as a cache that holds what noisy calls wrote.
        """
        memory = self.remember(conditions.map(_twice), past.shape[1])
        mixer = _TeacherForcedAttention(self.config, frames=past.shape[1], device=past.device)
        both = self._run(torch.cat((past, noisy)), torch.cat((past_level, level)), memory, mixer)
        first, second = both.chunk(2)
        return first, second

    def whole(self, noisy: Tensor, level: Tensor, memory: list[Memory]) -> Tensor:
        """Estimate all of `noisy` [S, N, M] at once, every frame seeing every other: Base LPM.

        `level` is [S, N / C]; chunks at level 0 are given, and are continued.
        """
        mixer = _WholeAttention(self.config, frames=noisy.shape[1], device=noisy.device)
        return self._run(noisy, level, memory, mixer)

    def _run(self, x: Tensor, level: Tensor, memory: list[Memory], mixer: Mixer) -> Tensor:
        hidden = self.embed(x)
        embedded = nn.functional.silu(self.timestep(level))
        condition = rearrange(self.condition(embedded), "s c (nine d) -> s c nine d", nine=9)
        if level.shape[1] > 1:
            condition = condition.repeat_interleave(x.shape[1] // level.shape[1], dim=1)
        for block, remembered in zip(self._blocks(), memory, strict=True):
            hidden = block(hidden, condition, mixer, remembered)
        clean: Tensor = self.head(self.norm(hidden))
        return clean

    def _blocks(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]


def _twice(x: Tensor) -> Tensor:
    return torch.cat((x, x))


class Past(NamedTuple):
    """A cache as the chunk being made reads it: keys rotated, everything one row per layer."""

    keys: Tensor  # [L, S, K, H, E]
    values: Tensor
    mask: Tensor  # boolean [S, 1, 1, K + C]
    now: Rotation  # of the chunk being made


class _CachedAttention:
    """Mix one chunk with the past and with itself, and keep its keys and values."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def __call__(self, layer: int, attention: SelfAttention, x: Tensor) -> Tensor:
        query, rotated, key, value = attention.project(x, self.past.now)
        self.keys.append(key)
        self.values.append(value)
        keys = torch.cat((self.past.keys[layer].to(key.dtype), rotated), dim=1)
        values = torch.cat((self.past.values[layer].to(value.dtype), value), dim=1)
        return attention.merge(attend(query, keys, values, self.past.mask))


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


class _WholeAttention:
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
