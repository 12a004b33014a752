"""Draws keypoints as coloured discs on black: the picture that the pose guider reads."""

from __future__ import annotations

import torch
from torch import Tensor

from models.personalive.front_end.config import DrawingConfig

# Shapes: K keypoints, P of them drawn, S rows and columns of the picture.


def drawn_points(config: DrawingConfig, keypoints: Tensor, size: int) -> Tensor:
    """Return the pixels (x, y) [..., P, 2] of the drawn ones of `keypoints` [..., K, 3], whole numbers.

    Keypoints are in half pictures from the centre of a picture of `size` pixels square. Some may lie outside.
    """
    chosen = torch.stack([keypoints[..., point, :2] for point in config.points], dim=-2)
    return ((chosen + 1) / 2 * size).trunc()


def draw(config: DrawingConfig, points: Tensor, size: int) -> Tensor:
    """Return pictures [..., 3, S, S] in 0..1 of discs around the pixels `points` [..., P, 2].

    Where discs overlap, their colours add, up to full brightness.
    """
    line = torch.arange(size, device=points.device, dtype=points.dtype)
    across, down = ((line - points[..., axis, None]).square() for axis in (0, 1))
    discs = across[..., None, :] + down[..., :, None] <= config.radius**2
    return torch.stack([_channel(discs, colour) for colour in zip(*config.colours, strict=True)], dim=-3)


def _channel(discs: Tensor, colour: tuple[int, ...]) -> Tensor:
    """Add up one colour channel [..., S, S] of `discs` [..., P, S, S]; `colour` is that of every disc."""
    channel = torch.zeros_like(discs[..., 0, :, :], dtype=torch.float32)
    for disc, level in zip(discs.unbind(-3), colour, strict=True):
        channel = channel + disc * (level / 255)
    return channel.clamp(max=1)
