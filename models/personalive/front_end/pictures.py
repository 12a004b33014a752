"""Pictures as the networks take them: as numbers, and smaller."""

from __future__ import annotations

from typing import Final

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

# Shapes: N pictures, H and W rows and columns.

LANCZOS_LOBES: Final = 3


def to_numbers(pictures: Tensor) -> Tensor:
    """Turn uint8 RGB pictures [..., H, W, 3] into [..., 3, H, W] in -1..1."""
    return rearrange(pictures.float() / 127.5 - 1, "... h w c -> ... c h w")


def shrink(pictures: Tensor, size: int) -> Tensor:
    """Resize pictures [N, 3, H, W] in -1..1 to `size` pixels square in 0..1, bilinearly."""
    return F.interpolate(pictures, (size, size), mode="bilinear") / 2 + 0.5


def shrink_smoothly(pictures: Tensor, size: int) -> Tensor:
    """Resize uint8 RGB pictures [N, H, W, 3] to [N, 3, size, size] in 0..1 with Lanczos' filter.

    Both passes end in one of 256 levels, as those of image libraries do. This is how portraits are read.
    """
    rows, columns = (_lanczos(length, size, pictures.device) for length in pictures.shape[1:3])
    narrower = _to_levels(torch.einsum("xw,nhwc->nhxc", columns, pictures.double()))
    resized = _to_levels(torch.einsum("yh,nhxc->ncyx", rows, narrower))
    return (resized / 255).float()


def _to_levels(pictures: Tensor) -> Tensor:
    return pictures.round().clamp(0, 255)


def _lanczos(length: int, size: int, device: torch.device) -> Tensor:
    """Return how much each of `length` pixels is in each of `size`, [size, length]."""
    scale = length / size
    centres = (torch.arange(size, dtype=torch.float64, device=device) + 0.5) * scale
    places = torch.arange(length, dtype=torch.float64, device=device) + 0.5
    distances = (places - centres[:, None]) / max(scale, 1.0)
    weights = torch.sinc(distances) * torch.sinc(distances / LANCZOS_LOBES)
    weights = weights * (distances.abs() < LANCZOS_LOBES)
    return weights / weights.sum(dim=1, keepdim=True)
