"""The portrait as the networks want it: the first frame of the video, and what the image encoder sees."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.geometry import Size, longest_edge_size, model_size
from models.fantasytalking.resampling import BICUBIC, LANCZOS, Pixels, resize

# Of the image encoder, for red, green and blue between 0 and 1.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def fit_longest_edge(pixels: Pixels, longest: int) -> Pixels:
    """Return the picture [H, W, 3] with its longest edge near `longest`, at the same proportions."""
    size = longest_edge_size(Size(pixels.shape[1], pixels.shape[0]), longest)
    return resize(pixels, size.width, size.height, LANCZOS)


def fit_model(pixels: Pixels, clip: ClipConfig) -> Pixels:
    """Return the picture [H, W, 3] at a size that the transformer has patches for.

    It is resized twice: to the longest edge, then stretched.
    """
    fitted = fit_longest_edge(pixels, clip.longest_edge)
    size = model_size(Size(fitted.shape[1], fitted.shape[0]), clip.size_multiple)
    return resize(fitted, size.width, size.height, BICUBIC)


def first_frame(pixels: Pixels, clip: ClipConfig) -> Tensor:
    """Return the first frame [3, H, W], from -1 to 1, of a portrait [h, w, 3]."""
    scaled = fit_model(pixels, clip).astype(np.float32) * np.float32(2 / 255) - 1
    return torch.from_numpy(scaled).permute(2, 0, 1).contiguous()


def vision_pixels(frame: Tensor, clip: ClipConfig) -> Tensor:
    """Return what the image encoder sees [1, 3, 224, 224] of the first frame [3, H, W].

    The frame is squashed, neither cropped nor smoothed: so the encoder was fed when the weights were learned.
    """
    size = (clip.vision_size, clip.vision_size)
    squashed = nn.functional.interpolate(frame[None], size=size, mode="bicubic", align_corners=False)
    mean = torch.tensor(CLIP_MEAN, device=frame.device).view(3, 1, 1)
    std = torch.tensor(CLIP_STD, device=frame.device).view(3, 1, 1)
    return (squashed * 0.5 + 0.5 - mean) / std
