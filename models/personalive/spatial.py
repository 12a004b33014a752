"""The spatial transformer: a frame attends to itself, to reference pictures and to the portrait."""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from models.personalive.attention import Attention, KeyValues
from models.personalive.blocks import feed_forward
from models.personalive.config import UNetConfig

# Shapes: B rows, F frames, R = B * F, N = H * W tokens of a frame, S reference pictures, C width.


class SpatialContext(NamedTuple):
    """What the frames of a row look at beside themselves.

    `portrait` [B, C] is what attention to the single token of the portrait's embedding gives, wherever it
    comes from; `references` [B, S, N, C] are projected tokens of the portrait and of keyframes, of which
    those not `present` [B, S] are void. All count where `present` is None.
    """

    portrait: Tensor
    references: KeyValues
    present: Tensor | None


class SpatialTransformer(nn.Module):
    """Self-attention with reference tokens, the portrait's constant, feed-forward; [R, C, H, W] stays."""

    def __init__(self, config: UNetConfig, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(config.groups, width, eps=config.transformer_eps)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(width=width, context_width=width, heads=config.heads)
        # Of this attention to a single token only to_v and to_out matter: a softmax over one key is 1.
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(width=width, context_width=config.image_width, heads=config.heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = feed_forward(width)
        self.proj_out = nn.Conv2d(width, width, 1)

    def portrait(self, embedding: Tensor) -> Tensor:
        """Return the constant [B, C] that attention to the portrait's embedding [B, image_width] adds."""
        constant: Tensor = self.attn2.to_out(self.attn2.to_v(embedding))
        return constant

    def tokens(self, x: Tensor) -> Tensor:
        """Return the residual stream [R, N, C] of frames [R, C, H, W]."""
        entered: Tensor = self.proj_in(self.norm(x))
        return rearrange(entered, "r c h w -> r (h w) c")

    def rest(self, tokens: Tensor, attended: Tensor, portrait: Tensor) -> Tensor:
        """Return the residual stream after what self-attention gave; `portrait` is [R, C]."""
        tokens = tokens + attended + portrait[:, None]
        inner: Tensor = self.ff(self.norm3(tokens))
        return tokens + inner

    def leave(self, tokens: Tensor, x: Tensor) -> Tensor:
        """Return frames [R, C, H, W] from the residual stream and the frames it began with."""
        projected: Tensor = self.proj_out(rearrange(tokens, "r (h w) c -> r c h w", h=x.shape[2]))
        return projected + x

    def forward(self, x: Tensor, context: SpatialContext) -> Tensor:
        frames = x.shape[0] // context.portrait.shape[0]
        tokens = self.tokens(x)
        normed = self.norm1(tokens)
        keys_values = _beside(self.attn1.project(normed), context.references, frames)
        mask = _mask(context.present, normed.shape[1], frames)
        attended = self.attn1(normed, keys_values, mask)
        tokens = self.rest(tokens, attended, context.portrait.repeat_interleave(frames, dim=0))
        return self.leave(tokens, x)


def _beside(own: KeyValues, references: KeyValues, frames: int) -> KeyValues:
    """Put each frame's own tokens [R, N, C] and those of its row's references together: [R, N + S * N, C]."""
    keys, values = (
        torch.cat((_of_rows(mine, frames), _shared(theirs, frames)), dim=2).flatten(0, 1)
        for mine, theirs in zip(own, references, strict=True)
    )
    return KeyValues(keys, values)


def _of_rows(tokens: Tensor, frames: int) -> Tensor:
    return rearrange(tokens, "(b f) n c -> b f n c", f=frames)


def _shared(references: Tensor, frames: int) -> Tensor:
    """Return [B, F, S * N, C], the same memory for every frame, from [B, S, N, C]."""
    return references.flatten(1, 2)[:, None].expand(-1, frames, -1, -1)


def _mask(present: Tensor | None, tokens: int, frames: int) -> Tensor | None:
    """Return which keys count, [R, 1, 1, N + S * N]."""
    if present is None:
        return None
    own = present.new_ones(()).expand(present.shape[0], 1)
    keys = torch.cat((own, present), dim=1).repeat_interleave(tokens, dim=1)
    return keys.repeat_interleave(frames, dim=0)[:, None, None]
