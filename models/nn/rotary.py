"""Rotary position embedding, applied at read time so that cached keys stay un-rotated."""

from __future__ import annotations

import torch
from torch import Tensor

# Cos and signed sin, each [..., head_dim]: both halves of a head are turned at once.
Rotation = tuple[Tensor, Tensor]


def rotation(positions: Tensor, head_dim: int, longest_wavelength: float) -> Rotation:
    """Return cos and signed sin, each [..., head_dim], for integer `positions` [...].

    Source: Su et al., RoFormer (2021), eq. 15, in the half-split layout.
    """
    half = head_dim // 2
    exponent = torch.arange(half, device=positions.device, dtype=torch.float32) / max(half - 1, 1)
    angles = positions.float()[..., None] * longest_wavelength**-exponent
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)


def rotate(x: Tensor, cos_sin: Rotation) -> Tensor:
    """Rotate `x` [..., tokens, heads, head_dim] by cos and signed sin [tokens, head_dim]."""
    cos, sin = (part[:, None].to(x.dtype) for part in cos_sin)
    first, second = x.chunk(2, dim=-1)
    return torch.addcmul(x * cos, torch.cat((second, first), dim=-1), sin)
