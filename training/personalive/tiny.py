"""Small stand-ins for the networks that PersonaLive takes from others, without anything learnt."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.personalive.config import PIXELS_PER_LATENT

# Shapes: N pictures, H and W their rows and columns, h = H / 8 and w = W / 8 those of latents.


class PatchCodec(nn.Module):
    """A codec without weights to learn: the mean colour of every square of 8 pixels, and its slope downwards.

    For runs that are to be small and exact. What is finer than its squares is lost.
    """

    patterns: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("patterns", _patterns(PIXELS_PER_LATENT), persistent=False)

    def encode(self, pictures: Tensor) -> Tensor:
        """Return latents [N, 4, h, w] of pictures [N, 3, H, W] in -1..1."""
        return F.conv2d(pictures, self.patterns, stride=PIXELS_PER_LATENT) / PIXELS_PER_LATENT

    def decode(self, latents: Tensor) -> Tensor:
        """Return pictures [N, 3, H, W] of latents [N, 4, h, w]."""
        return F.conv_transpose2d(latents * PIXELS_PER_LATENT, self.patterns, stride=PIXELS_PER_LATENT)


class ColourEmbedder(nn.Module):
    """An embedding of `width` numbers: the colours of a picture's quarters, mixed as drawn from a seed."""

    mix: Tensor

    def __init__(self, width: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.register_buffer("mix", torch.randn(12, width, generator=generator) / math.sqrt(12))

    def embed(self, pictures: Tensor) -> Tensor:
        """Return embeddings [N, width] of pictures [N, 3, H, W] in -1..1."""
        return F.adaptive_avg_pool2d(pictures, 2).flatten(1) @ self.mix


def _patterns(side: int) -> Tensor:
    """Return four patterns [4, 3, side, side] of unit length, each at right angles to all others."""
    slope = (torch.arange(side) - (side - 1) / 2).view(side, 1).expand(side, side)
    flat = torch.eye(3)[:, :, None, None].expand(3, 3, side, side)
    patterns = torch.cat([flat, slope.expand(1, 3, side, side)])
    unit: Tensor = F.normalize(patterns.flatten(1), dim=1).view_as(patterns)
    return unit
