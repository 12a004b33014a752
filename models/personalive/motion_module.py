"""The motion module: the tokens of a frame attend to the motion tokens of the driver's face in that frame."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor, nn

from models.personalive.attention import Attention
from models.personalive.blocks import feed_forward
from models.personalive.config import UNetConfig

# Shapes: R = rows * frames, N = H * W tokens of a frame, C width, M motion tokens of a frame, D their width.


class MotionAttention(nn.Module):
    """Attention from tokens [R, N, C] to motion tokens [R, M, D]."""

    def __init__(self, *, width: int, motion_width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width=width, context_width=motion_width, heads=heads)

    def forward(self, tokens: Tensor, motion: Tensor) -> Tensor:
        attended: Tensor = self.attention(tokens, self.attention.project(motion))
        return attended


class MotionModule(nn.Module):
    """Two attentions to motion and a feed-forward network; [R, C, H, W] stays."""

    def __init__(self, config: UNetConfig, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(config.groups, width, eps=config.transformer_eps)
        self.proj_in = nn.Linear(width, width)
        self.attentions = nn.ModuleList(
            MotionAttention(width=width, motion_width=config.motion_width, heads=config.heads)
            for _ in range(2)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.ff_norm = nn.LayerNorm(width)
        self.ff = feed_forward(width)
        self.proj_out = nn.Linear(width, width)

    def forward(self, x: Tensor, motion: Tensor) -> Tensor:
        tokens: Tensor = self.proj_in(rearrange(self.norm(x), "r c h w -> r (h w) c"))
        for norm, attention in zip(self.norms, self.attentions, strict=True):
            tokens = tokens + attention(norm(tokens), motion)
        tokens = self.proj_out(tokens + self.ff(self.ff_norm(tokens)))
        return x + rearrange(tokens, "r (h w) c -> r c h w", h=x.shape[2])
