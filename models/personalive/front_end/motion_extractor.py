"""Reads head pose and canonical keypoints from a picture: a ConvNeXt V2 with a head for each."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from models.personalive.front_end.config import MotionExtractorConfig

# Shapes: N pictures, K keypoints, C channels, H and W rows and columns, B bins of an angle.

NORM_EPS: Final = 1e-6
EXPANSION: Final = 4


class Readings(NamedTuple):
    """What the heads say: logits [N, B] of three angles, place [N, 3], scale [N, 1], keypoints [N, K, 3]."""

    pitch: Tensor
    yaw: Tensor
    roll: Tensor
    translation: Tensor
    scale: Tensor
    canonical: Tensor


class HeadMotion(NamedTuple):
    """Where a head is: pitch, yaw and roll in degrees [..., 3], place [..., 3], scale [..., 1].

    `canonical` [..., K, 3] are its keypoints before they are turned, scaled and moved.
    """

    degrees: Tensor
    translation: Tensor
    scale: Tensor
    canonical: Tensor


class MotionExtractor(nn.Module):
    """The motion extractor of LivePortrait (arXiv 2407.03168), which PersonaLive keeps frozen."""

    idx_tensor: Tensor

    def __init__(self, config: MotionExtractorConfig) -> None:
        super().__init__()
        self.config = config
        self.detector = Detector(config)
        # Some published files lack it, and then nothing fills what stands on the meta device.
        bins = torch.arange(config.bins, dtype=torch.float32, device="cpu")
        self.register_buffer("idx_tensor", bins)

    def forward(self, pictures: Tensor) -> HeadMotion:
        """Read pictures [N, 3, H, W] in 0..1 (H = W = `config.picture`)."""
        return self.interpret(self.detector(pictures))

    def interpret(self, readings: Readings) -> HeadMotion:
        """Take the expectation of every angle."""
        logits = torch.stack([readings.pitch, readings.yaw, readings.roll], dim=1)
        expected = (logits.softmax(dim=-1) * self.idx_tensor).sum(dim=-1)
        degrees = expected * self.config.bin_degrees + self.config.first_degrees
        return HeadMotion(degrees, readings.translation, readings.scale, readings.canonical)


class Detector(nn.Module):
    """ConvNeXt V2 (arXiv 2301.00808) and its heads, in the names of the published file."""

    def __init__(self, config: MotionExtractorConfig) -> None:
        super().__init__()
        widths, last = config.widths, config.widths[-1]
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0]))
        self.downsample_layers = nn.ModuleList([stem])
        for before, after in pairwise(widths):
            halve = nn.Conv2d(before, after, 2, stride=2)
            self.downsample_layers.append(nn.Sequential(ChannelNorm(before), halve))
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNextBlock(width) for _ in range(depth)))
            for width, depth in zip(widths, config.depths, strict=True)
        )
        self.norm = nn.LayerNorm(last, eps=NORM_EPS)
        self.fc_kp = nn.Linear(last, 3 * config.keypoints)
        self.fc_scale = nn.Linear(last, 1)
        self.fc_pitch = nn.Linear(last, config.bins)
        self.fc_yaw = nn.Linear(last, config.bins)
        self.fc_roll = nn.Linear(last, config.bins)
        self.fc_t = nn.Linear(last, 3)
        # In the published file, and read by nothing: PersonaLive leaves expression to the motion encoder.
        self.fc_exp = nn.Linear(last, 3 * config.keypoints)

    def forward(self, pictures: Tensor) -> Readings:
        """Read pictures [N, 3, H, W] in 0..1."""
        features = pictures
        for halve, stage in zip(self.downsample_layers, self.stages, strict=True):
            features = stage(halve(features))
        pooled = self.norm(features.mean(dim=(-2, -1)))
        return Readings(
            pitch=self.fc_pitch(pooled),
            yaw=self.fc_yaw(pooled),
            roll=self.fc_roll(pooled),
            translation=self.fc_t(pooled),
            scale=self.fc_scale(pooled),
            canonical=rearrange(self.fc_kp(pooled), "n (k xyz) -> n k xyz", xyz=3),
        )


class ConvNextBlock(nn.Module):
    """A block of ConvNeXt V2: wide depthwise convolution, then a network of each place's channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.pwconv1 = nn.Linear(width, EXPANSION * width)
        self.grn = ResponseNorm(EXPANSION * width)
        self.pwconv2 = nn.Linear(EXPANSION * width, width)

    def forward(self, features: Tensor) -> Tensor:
        """Refine features [N, C, H, W]."""
        channels_last = rearrange(self.dwconv(features), "n c h w -> n h w c")
        hidden = self.grn(F.gelu(self.pwconv1(self.norm(channels_last))))
        refined: Tensor = self.pwconv2(hidden)
        return features + rearrange(refined, "n h w c -> n c h w")


class ResponseNorm(nn.Module):
    """Global response normalisation of [N, H, W, C] (arXiv 2301.00808, section 3.2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, width))

    def forward(self, features: Tensor) -> Tensor:
        """Scale every channel by its energy relative to that of the others."""
        energy = torch.linalg.vector_norm(features, dim=(1, 2), keepdim=True)
        relative = energy / (energy.mean(dim=-1, keepdim=True) + NORM_EPS)
        scaled: Tensor = self.gamma * (features * relative)
        return features + scaled + self.beta


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of the channels of [N, C, H, W]."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=NORM_EPS)

    def forward(self, features: Tensor) -> Tensor:
        """Normalise every place by itself."""
        normed = super().forward(rearrange(features, "n c h w -> n h w c"))
        return rearrange(normed, "n h w c -> n c h w")
