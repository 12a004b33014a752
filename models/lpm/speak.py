"""The encoder of the speak stream: log-mel frames in, tokens at twice the motion rate out."""

from __future__ import annotations

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


class SpeakEncoder(nn.Module):
    """A stem that halves the rate, then dilated blocks; everything it needs is inside its window."""

    def __init__(self, config: LpmConfig) -> None:
        super().__init__()
        speak = config.speak
        self.taps, self.stride = speak.stem_taps, speak.stride
        self.stem = nn.Linear(speak.stem_taps * config.logmel.channels, speak.width)
        self.mix = nn.Linear(speak.width, speak.width)
        centred = [DilatedBlock(width=speak.width, offsets=(-d, 0, d)) for d in speak.centred]
        causal = [DilatedBlock(width=speak.width, offsets=(-2 * d, -d, 0)) for d in speak.causal]
        self.blocks = nn.Sequential(*causal, *centred)
        self.norm = RMSNorm(speak.width)

    def forward(self, speak: Tensor) -> Tensor:
        """Return tokens [S, K, width] for log-mel frames `speak` [S, T, channels].

        A window of `LpmConfig.window_mels` frames gives exactly the tokens that the frames of one
        chunk attend to; a longer one, those of several chunks.
        """
        windows = speak.unfold(1, self.taps, self.stride).flatten(2)
        hidden = nn.functional.gelu(self.stem(windows), approximate="tanh")
        tokens: Tensor = self.norm(self.blocks(self.mix(hidden)))
        return tokens
