"""Turns a drawn pose into features of the denoiser's own size: convolutions that halve it three times."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F


class PoseGuider(nn.Module):
    """The conditioning network of ControlNet (arXiv 2302.05543, section 3.3), in its published names."""

    def __init__(self, channels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for before, after in pairwise(channels):
            self.blocks.append(nn.Conv2d(before, before, 3, padding=1))
            self.blocks.append(nn.Conv2d(before, after, 3, padding=1, stride=2))
        self.conv_out_modify = nn.Conv2d(channels[-1], width, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Turn pictures [N, 3, H, W] in 0..1 into features [N, width, H / 8, W / 8]."""
        features = F.silu(self.conv_in(pictures))
        for block in self.blocks:
            features = F.silu(block(features))
        return cast(Tensor, self.conv_out_modify(features))
