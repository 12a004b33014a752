"""The transformer: a clean estimate of noisy motion frames, given their conditions and their past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from models.lpm.conditions import ConditionAttention, Conditions, Heard, Inputs, Memory, hiding
from models.lpm.config import LpmConfig
from models.lpm.mixers import CachedAttention, Mixer, Past, TeacherForcedAttention, WholeAttention
from models.lpm.streams import DirectionEncoder, DirectionTokens, listen_encoder, speak_encoder
from models.motion import NUM_MOTION
from models.nn.attention import SelfAttention
from models.nn.cache import KVCache, visible_tokens
from models.nn.feedforward import FeedForward
from models.nn.modulation import Modulation, TimestepEmbedding, modulate
from models.nn.norm import RMSNorm, unit_rms
from models.nn.rotary import rotate, rotation

# Shapes: S slots, N frames, C chunk frames, M motion numbers, D width, L layers, K cached tokens.

# What each layer does to frames at one noise level: nine vectors, shifts, factors and gates in turn, that
# broadcast to [S, N, D].
Pace = list[tuple[Tensor, ...]]


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

    def modulate(self, condition: Tensor) -> Tensor:
        """Return the layer's nine vectors [..., 9, D] for the shared timestep `condition` [..., 9, D]."""
        return condition + (self.modulation + self.neutral)

    def forward(self, x: Tensor, pace: tuple[Tensor, ...], mixer: Mixer, memory: Memory) -> Tensor:
        """Return [S, N, D] for `x` [S, N, D]."""
        first, second, third = (Modulation(*pace[i : i + 3]) for i in (0, 3, 6))
        attended = mixer(self.layer, self.attention, modulate(unit_rms(x), first))
        x = torch.addcmul(x, first.gate, attended)
        x = torch.addcmul(x, second.gate, self.conditions(modulate(unit_rms(x), second), memory))
        return torch.addcmul(x, third.gate, self.feedforward(modulate(unit_rms(x), third)))

    def offer(self, x: Tensor, pace: tuple[Tensor, ...], mixer: CachedAttention) -> None:
        """Leave the keys and values of `x` [S, N, D] with the mixer, and do nothing else."""
        mixer.keep(self.attention, modulate(unit_rms(x), Modulation(*pace[:3])))


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
            direction=self.direct(inputs),
        )

    def direct(self, inputs: Inputs) -> DirectionTokens:
        """Encode what is asked for alone."""
        directed: DirectionTokens = self.direction_encoder(inputs.concepts, inputs.strengths, inputs.known)
        return directed

    def remember(self, conditions: Conditions, frames: int) -> list[Memory]:
        """Return what each layer reads of the conditions of `frames` motion frames."""
        heard = (conditions.speak, conditions.listen)
        return [
            block.conditions.remember(heard[block.layer % 2], conditions.direction, frames)
            for block in self._blocks()
        ]

    def forget_direction(self, memory: list[Memory], direction: DirectionTokens) -> list[Memory]:
        """Return the same for whoever does not know what `direction` asks for."""
        unknown = self.direction_encoder.unknown(*direction.seen.shape[:2])
        return [
            remembered._replace(items=block.conditions.remember_items(unknown))
            for block, remembered in zip(self._blocks(), memory, strict=True)
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
            bias=hiding(nn.functional.pad(seen, (0, layout.chunk), value=True), cache.keys)[:, None, None],
            now=now,
        )

    def paces(self, levels: Sequence[float]) -> list[Pace]:
        """Return the pace of chunks at each of some noise levels, the same for all slots."""
        condition = self._condition(self.head.weight.new_tensor(levels))
        vectors = torch.stack([block.modulate(condition) for block in self._blocks()], dim=1)
        return [[layer.unbind() for layer in level.unbind()] for level in vectors.unbind()]

    def chunk(self, noisy: Tensor, level: Tensor, memory: list[Memory], past: Past) -> ChunkResult:
        """Estimate the clean chunk behind `noisy` [S, C, M] at noise `level` [S, 1]."""
        return self.estimate(noisy, self._pace(level, noisy.shape[1]), memory, past)

    def estimate(self, noisy: Tensor, pace: Pace, memory: list[Memory], past: Past) -> ChunkResult:
        """Like `chunk`, at a level whose pace is known already."""
        mixer = CachedAttention(past)
        clean = self._run(noisy, pace, memory, mixer)
        return ChunkResult(clean, torch.stack(mixer.keys, dim=1), torch.stack(mixer.values, dim=1))

    def write(self, clean: Tensor, pace: Pace, memory: list[Memory], past: Past) -> tuple[Tensor, Tensor]:
        """Return the keys and values [S, L, C, H, E] of a chunk [S, C, M], nothing else of an estimate."""
        mixer = CachedAttention(past)
        hidden = self.embed(clean)
        *others, last = self._blocks()
        for block, vectors, remembered in zip(others, pace[:-1], memory[:-1], strict=True):
            hidden = block(hidden, vectors, mixer, remembered)
        last.offer(hidden, pace[-1], mixer)
        return torch.stack(mixer.keys, dim=1), torch.stack(mixer.values, dim=1)

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
        mixer = TeacherForcedAttention(self.config, frames=past.shape[1], device=past.device)
        pace = self._pace(torch.cat((past_level, level)), past.shape[1])
        both = self._run(torch.cat((past, noisy)), pace, memory, mixer)
        first, second = both.chunk(2)
        return first, second

    def whole(self, noisy: Tensor, level: Tensor, memory: list[Memory]) -> Tensor:
        """Estimate all of `noisy` [S, N, M] at once, every frame seeing every other: Base LPM.

        `level` is [S, N / C]; chunks at level 0 are given, and are continued.
        """
        mixer = WholeAttention(self.config, frames=noisy.shape[1], device=noisy.device)
        return self._run(noisy, self._pace(level, noisy.shape[1]), memory, mixer)

    def _run(self, x: Tensor, pace: Pace, memory: list[Memory], mixer: Mixer) -> Tensor:
        hidden = self.embed(x)
        for block, vectors, remembered in zip(self._blocks(), pace, memory, strict=True):
            hidden = block(hidden, vectors, mixer, remembered)
        clean: Tensor = self.head(self.norm(hidden))
        return clean

    def _pace(self, level: Tensor, frames: int) -> Pace:
        """Return the pace of so many frames whose chunks are at `level` [S, chunks]."""
        condition = self._condition(level)
        if level.shape[1] > 1:
            condition = condition.repeat_interleave(frames // level.shape[1], dim=1)
        return [block.modulate(condition).unbind(dim=-2) for block in self._blocks()]

    def _condition(self, level: Tensor) -> Tensor:
        embedded = nn.functional.silu(self.timestep(level))
        nine: Tensor = rearrange(self.condition(embedded), "... (nine d) -> ... nine d", nine=9)
        return nine

    def _blocks(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]


def _twice(x: Tensor) -> Tensor:
    return torch.cat((x, x))
