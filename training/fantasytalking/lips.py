"""Where the lips are, in latents: the mask under which the second stage looks at its errors."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor

# Shapes: T frames, H W pixels, F latent frames, h w latent size.

# The outer rim of the lips in MediaPipe's mesh, in order.
RIM: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)


def lip_mask(landmarks: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Return 1 within the rim of the lips and 0 elsewhere, [T, H, W], of landmarks [T, 478, 2 or 3]."""
    mask = np.zeros((len(landmarks), height, width), np.uint8)
    for picture, points in zip(mask, landmarks, strict=True):
        cv2.fillPoly(picture, [points[list(RIM), :2].round().astype(np.int32)], color=1)
    return mask.astype(np.float32)


def to_latents(mask: NDArray[np.float32], *, stride: int, frames_per_latent: int) -> Tensor:
    """Return the share of the mask [T, H, W] in what each latent stands for, [F, h, w].

    The first latent frame stands for one frame, every other for four. The paper resamples trilinearly, which
    at the beginning of a clip would take the mask of a frame and a half later.
    """
    places = torch.nn.functional.avg_pool2d(torch.from_numpy(mask)[:, None], stride)[:, 0]
    groups = rearrange(places[1:], "(f k) h w -> f k h w", k=frames_per_latent).mean(dim=1)
    return torch.cat((places[:1], groups))
