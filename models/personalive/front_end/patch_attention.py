"""Attention among the patches of a map: how the motion encoder sees the whole face at once."""

from __future__ import annotations

from typing import Final, cast

import torch
from diffusers.models.attention import FeedForward
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from models.personalive.front_end.config import MotionEncoderConfig

# Shapes: N pictures, C channels, H and W rows and columns, L patches (row by row), D their width.

NORM_EPS: Final = 1e-6


class PatchAttention(nn.Module):
    """Adds to a map what a transformer of one block, over its square patches, says of it."""

    def __init__(self, config: MotionEncoderConfig, channels: int, patch: int) -> None:
        super().__init__()
        width = config.attention_width
        self.patch = patch
        self.norm = nn.GroupNorm(config.norm_groups, channels, eps=NORM_EPS)
        self.pos_embed = PatchEmbedding(channels, width, patch, config.grid)
        self.transformer_blocks = nn.ModuleList([PatchBlock(width, config.attention_heads)])
        self.proj_out = nn.Linear(width // patch**2, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Refine features [N, C, H, W]."""
        patches = self.pos_embed(self.norm(features))
        for block in self.transformer_blocks:
            patches = block(patches)
        rows, side = features.shape[-2] // self.patch, self.patch
        pixels = rearrange(patches, "n (y x) (p q c) -> n (y p) (x q) c", y=rows, p=side, q=side)
        return features + rearrange(cast(Tensor, self.proj_out(pixels)), "n h w c -> n c h w")


class PatchEmbedding(nn.Module):
    """Cuts a map in patches [N, L, D] that know their place."""

    positions: Tensor

    def __init__(self, channels: int, width: int, patch: int, grid: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, stride=patch)
        self.register_buffer("positions", _square_positions(grid, width), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Embed features [N, C, H, W]."""
        return cast(Tensor, self.proj(features).flatten(2).transpose(1, 2) + self.positions)


class PatchBlock(nn.Module):
    """A transformer block, in the names of the published file."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList([SelfAttention(width, heads)])
        self.norms = nn.ModuleList([nn.LayerNorm(width)])
        self.ff = FeedForward(width, activation_fn="geglu")
        self.ff_norm = nn.LayerNorm(width)

    def forward(self, patches: Tensor) -> Tensor:
        """Refine patches [N, L, D]."""
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            patches = patches + attention(norm(patches))
        return cast(Tensor, patches + self.ff(self.ff_norm(patches)))


class SelfAttention(nn.Module):
    """Attention of patches [N, L, D] to each other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(width, width, bias=False)
        self.to_v = nn.Linear(width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, patches: Tensor) -> Tensor:
        """Mix the patches."""
        query, key, value = (
            rearrange(project(patches), "n l (h d) -> n h l d", h=self.heads)
            for project in (self.to_q, self.to_k, self.to_v)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        return cast(Tensor, self.to_out[0](rearrange(mixed, "n h l d -> n l (h d)")))


def _square_positions(grid: int, width: int) -> Tensor:
    """Place of every patch [1, L, D], row by row: half of the width tells its column, half its row.

    No file holds it, so it is made on the CPU even while parameters stand on the meta device.
    """
    steps = torch.arange(max(grid, width // 4), dtype=torch.float64, device="cpu")
    rates = 10000.0 ** (-steps[: width // 4] / (width // 4))
    angles = torch.outer(steps[:grid], rates)
    line = torch.cat([angles.sin(), angles.cos()], dim=1)
    columns, rows = line.expand(grid, -1, -1), line.unsqueeze(1).expand(-1, grid, -1)
    return torch.cat([columns, rows], dim=-1).flatten(0, 1).float().unsqueeze(0)
