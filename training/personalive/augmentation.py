"""Changes of a driving face that leave its motion and hide whose it is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from training.personalive.config import AugmentationConfig

# Shapes: B rows, F frames, H = W rows and columns. What is drawn for a row holds for all its frames.


def augment(faces: Tensor, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Stretch, bend, recolour and roughen faces [B, F, 3, H, W] in -1..1; they stay within -1..1."""
    rows, frames = faces.shape[:2]
    grid = warp(rows, faces.shape[-1], config, generator).to(faces)
    bent = F.grid_sample(
        faces.flatten(0, 1),
        grid.repeat_interleave(frames, dim=0),
        padding_mode="border",
        align_corners=False,
    ).view_as(faces)
    spread = config.noise * _uniform((rows, 1, 1, 1, 1), generator).abs().to(faces)
    noise = torch.randn(faces.shape, generator=generator).to(faces)
    return (recolour(bent, config, generator) + spread * noise).clamp(-1, 1)


def warp(rows: int, size: int, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Return where each pixel comes from, [B, size, size, 2] in -1..1: a stretch, and knots that move."""
    places = (torch.arange(size) + 0.5) * 2 / size - 1
    down, across = torch.meshgrid(places, places, indexing="ij")
    straight = torch.stack([across, down], dim=-1).expand(rows, -1, -1, -1)
    aspect = config.stretch ** _uniform((rows, 1, 1), generator)
    narrowed = torch.stack([aspect.clamp(min=1), (1 / aspect).clamp(min=1)], dim=-1)
    knots = config.bend * _uniform((rows, 2, config.knots, config.knots), generator)
    moved = F.interpolate(knots, (size, size), mode="bilinear", align_corners=True)
    return straight * narrowed + moved.permute(0, 2, 3, 1)


def recolour(faces: Tensor, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast and saturation of faces [B, F, 3, H, W]."""
    shape = (faces.shape[0], 1, 1, 1, 1)
    brightness, contrast, saturation = (
        1 + config.colour * _uniform(shape, generator).to(faces) for _ in range(3)
    )
    light = (faces + 1) * brightness - 1
    mean = light.mean(dim=(2, 3, 4), keepdim=True)
    level = mean + contrast * (light - mean)
    grey = level.mean(dim=2, keepdim=True)
    return grey + saturation * (level - grey)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw evenly from -1..1."""
    return torch.rand(shape, generator=generator) * 2 - 1
