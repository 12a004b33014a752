"""The encoders of what an LPM is conditioned on: two streams of sound, and direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.lpm.config import LpmConfig
from models.nn.norm import RMSNorm


class DilatedBlock(nn.Module):
    """A gated residual convolution of three taps, without padding: its output is shorter than its input.

    `offsets` are the taps' places relative to the output token, ascending.
    """

    def __init__(self, *, width: int, offsets: tuple[int, int, int]) -> None:
        super().__init__()
        self.offsets = offsets
        self.norm = RMSNorm(width)
        self.taps = nn.Linear(3 * width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return [S, K - (last offset - first offset), width] for `x` [S, K, width]."""
        first, _, last = self.offsets
        length = x.shape[1] - (last - first)
        normed = self.norm(x)
        stacked = torch.cat([normed[:, offset - first :][:, :length] for offset in self.offsets], dim=-1)
        value, gate = self.taps(stacked).chunk(2, dim=-1)
        mapped: Tensor = self.out(value * nn.functional.silu(gate))
        return x[:, -first:][:, :length] + mapped


class SoundEncoder(nn.Module):
    """A stem that lowers the rate, then dilated blocks; everything it needs is inside its window."""

    def __init__(
        self, *, channels: int, taps: int, stride: int, width: int, blocks: Sequence[DilatedBlock]
    ) -> None:
        super().__init__()
        self.taps, self.stride = taps, stride
        self.stem = nn.Linear(taps * channels, width)
        self.mix = nn.Linear(width, width)
        self.blocks = nn.Sequential(*blocks)
        self.norm = RMSNorm(width)

    def forward(self, mels: Tensor) -> Tensor:
        """Return tokens [S, K, width] for log-mel frames `mels` [S, T, channels].

        The window of one chunk gives exactly the tokens that its motion frames attend to; a longer one,
        those of several chunks; an empty one, which stands for a stream that no slot has, none.
        """
        if not mels.shape[1]:
            return mels.new_zeros(len(mels), 0, self.stem.out_features)
        windows = mels.unfold(1, self.taps, self.stride).flatten(2)
        hidden = nn.functional.gelu(self.stem(windows), approximate="tanh")
        tokens: Tensor = self.norm(self.blocks(self.mix(hidden)))
        return tokens


def speak_encoder(config: LpmConfig) -> SoundEncoder:
    """Tokens at a multiple of the motion rate from `window_mels` frames, which a little future belongs to."""
    speak = config.speak
    centred = [DilatedBlock(width=speak.width, offsets=(-d, 0, d)) for d in speak.centred]
    return SoundEncoder(
        channels=config.logmel.channels,
        taps=speak.stem_taps,
        stride=speak.stride,
        width=speak.width,
        blocks=[*_causal(speak.width, speak.causal), *centred],
    )


def listen_encoder(config: LpmConfig) -> SoundEncoder:
    """Tokens at the motion rate from `listen_mels` frames, each from its own past."""
    listen = config.listen
    return SoundEncoder(
        channels=config.logmel.channels,
        taps=listen.stem_taps,
        stride=config.mels_per_frame,
        width=listen.width,
        blocks=_causal(listen.width, listen.causal),
    )


def _causal(width: int, dilations: Sequence[int]) -> list[DilatedBlock]:
    return [DilatedBlock(width=width, offsets=(-2 * d, -d, 0)) for d in dilations]


class DirectionTokens(NamedTuple):
    """Tokens [S, C, items + 1, width], and which of them are there, boolean [S, C, items + 1]."""

    tokens: Tensor
    seen: Tensor

    @property
    def asks(self) -> Tensor:
        """Where anything is asked for, boolean [S, C]."""
        return self.seen[..., :-1].any(dim=-1)


class DirectionEncoder(nn.Module):
    """One token for each item: its concept's, and as much of its concept's second one as is asked for.

    The last token says that this is all, or, to train for guidance, that the direction is not known.
    Attention over a set knows no order, so the order of the words cannot matter.
    """

    def __init__(self, config: LpmConfig) -> None:
        super().__init__()
        direction = config.direction
        self.items = direction.items
        self.kind = nn.Embedding(direction.concepts + 1, direction.width)
        self.amount = nn.Embedding(direction.concepts + 1, direction.width)
        self.rest = nn.Parameter(torch.randn(2, direction.width))

    def forward(self, concepts: Tensor, strengths: Tensor, known: Tensor) -> DirectionTokens:
        """Return tokens for `concepts` and `strengths` [S, C, items]; `known` is boolean [S, C].

        Fewer items are filled up with none: equal shapes of the work give equal bits.
        """
        concepts, strengths = (
            nn.functional.pad(given, (0, self.items - given.shape[-1])) for given in (concepts, strengths)
        )
        items = self.kind(concepts) + strengths[..., None] * self.amount(concepts)
        rest = torch.where(known[..., None], self.rest[0], self.rest[1])
        tokens = torch.cat((items, rest[..., None, :]), dim=-2)
        seen = torch.cat(((concepts > 0) & known[..., None], torch.ones_like(known)[..., None]), dim=-1)
        return DirectionTokens(tokens, seen)

    def unknown(self, slots: int, chunks: int) -> DirectionTokens:
        """Return what stands for a direction that is not known: a single token."""
        tokens = self.rest[1].expand(slots, chunks, 1, -1)
        return DirectionTokens(tokens, torch.ones_like(tokens[..., 0], dtype=torch.bool))
