"""The temporal module: each pixel attends along the frames of the window."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from models.personalive.attention import Attention
from models.personalive.blocks import feed_forward
from models.personalive.config import UNetConfig

# Shapes: B rows, F frames, C width, P = B * H * W pixels of all rows.


class TemporalAttention(nn.Module):
    """Self-attention along frames [P, F, C], with the frame's place in the window added to its tokens."""

    positions: Tensor

    def __init__(self, *, width: int, heads: int, max_positions: int) -> None:
        super().__init__()
        self.attention = Attention(width=width, context_width=width, heads=heads)
        # The published files carry this table, so it is loaded and not computed.
        self.register_buffer("positions", torch.zeros(1, max_positions, width))

    def forward(self, tokens: Tensor) -> Tensor:
        placed = tokens + self.positions[:, : tokens.shape[1]]
        attended: Tensor = self.attention(placed, self.attention.project(placed))
        return attended


class TemporalModule(nn.Module):
    """Two attentions along the window and a feed-forward network; [B * F, C, H, W] stays.

    The frames of a window differ in their noise, so each is normalised alone.
    """

    def __init__(self, config: UNetConfig, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(config.groups, width, eps=config.transformer_eps)
        self.proj_in = nn.Linear(width, width)
        self.attentions = nn.ModuleList(
            TemporalAttention(width=width, heads=config.heads, max_positions=config.max_positions)
            for _ in range(2)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.ff_norm = nn.LayerNorm(width)
        self.ff = feed_forward(width)
        self.proj_out = nn.Linear(width, width)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        tokens: Tensor = self.proj_in(rearrange(self.norm(x), "(b f) c h w -> (b h w) f c", f=frames))
        for norm, attention in zip(self.norms, self.attentions, strict=True):
            tokens = tokens + attention(norm(tokens))
        tokens = self.proj_out(tokens + self.ff(self.ff_norm(tokens)))
        height, width = x.shape[2:]
        return x + rearrange(tokens, "(b h w) f c -> (b f) c h w", h=height, w=width)
