"""Reads the motion of a face as a few tokens: a face alignment network with attention, frame by frame."""

from __future__ import annotations

from typing import Final, cast

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from models.personalive.front_end.config import MotionEncoderConfig
from models.personalive.front_end.patch_attention import PatchAttention

# Shapes: N pictures, C channels, H and W rows and columns, T tokens, D numbers of a token.

# The published weights were trained with another one here than everywhere else.
SHORTCUT_EPS: Final = 1e-4


class MotionEncoder(nn.Module):
    """The encoder of PersonaLive's facial motion (arXiv 2512.11253), in its published names."""

    pe: Tensor

    def __init__(self, config: MotionEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.model = FaceNetwork(config)
        self.final_proj = nn.Linear(config.width, config.width)
        self.register_buffer("pe", _positions(config.tokens, config.token_width))

    def forward(self, faces: Tensor) -> Tensor:
        """Turn faces [N, 3, H, W] in -1..1 (H = W = `config.picture`) into motion [N, T, D]."""
        motion = self.final_proj(self.model(faces))
        return cast(Tensor, rearrange(motion, "n (t d) -> n t d", t=self.config.tokens) + self.pe)


class FaceNetwork(nn.Module):
    """A face alignment network (arXiv 1703.07332) of one hourglass, its heat maps read by a linear layer."""

    def __init__(self, config: MotionEncoderConfig) -> None:
        super().__init__()
        narrow, wide = config.channels
        self.conv1 = nn.Conv2d(3, config.stem, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(config.stem)
        self.conv2 = ResidualBlock(config.stem, narrow)
        self.conv3 = ResidualBlock(narrow, narrow)
        self.conv4 = ResidualBlock(narrow, wide)
        self.m0 = Hourglass(wide, config.hourglass_depth)
        self.top_m_0 = ResidualBlock(wide, wide)
        self.conv_last0 = nn.Conv2d(wide, wide, 1)
        self.l0 = nn.Conv2d(wide, config.landmarks, 1)
        self.bn_end0 = nn.BatchNorm2d(wide)
        self.conv6 = nn.Conv2d(config.landmarks, 1, 3, stride=2, padding=1)
        self.fc = nn.Linear(config.grid**2, config.width)
        self.bn5 = nn.BatchNorm2d(config.landmarks)
        self.att_1 = PatchAttention(config, narrow, config.patches[0])
        self.att_2 = PatchAttention(config, wide, config.patches[1])
        self.att_3 = PatchAttention(config, wide, config.patches[2])

    def forward(self, faces: Tensor) -> Tensor:
        """Turn faces [N, 3, H, W] into the numbers [N, T * D] of their motion."""
        features = self.att_1(self.conv2(F.relu(self.bn1(self.conv1(faces)))))
        features = self.att_2(self.conv4(self.conv3(F.max_pool2d(features, 2))))
        features = self.top_m_0(self.m0(features))
        features = self.att_3(self.bn_end0(self.conv_last0(features)))
        heat = F.relu(self.bn5(self.l0(F.relu(features))))
        return cast(Tensor, self.fc(F.relu(self.conv6(heat)).flatten(1)))


class ResidualBlock(nn.Module):
    """Three convolutions, each reading the one before, their outputs side by side (arXiv 1703.00862)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        half, quarter = after // 2, after // 4
        self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, quarter, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(quarter)
        self.conv3 = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.downsample: nn.Module = nn.Identity()
        if before != after:
            widen = nn.Conv2d(before, after, 1, bias=False)
            self.downsample = nn.Sequential(nn.BatchNorm2d(before, eps=SHORTCUT_EPS), nn.ReLU(), widen)

    def forward(self, features: Tensor) -> Tensor:
        """Refine features [N, C, H, W]."""
        first = self.conv1(F.relu(self.bn1(features)))
        second = self.conv2(F.relu(self.bn2(first)))
        third = self.conv3(F.relu(self.bn3(second)))
        return cast(Tensor, torch.cat([first, second, third], dim=1) + self.downsample(features))


class Hourglass(nn.Module):
    """Refines a map at half its size, at half of that, and so on, and adds what each size saw."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        for level in range(depth, 0, -1):
            for place in ("b1", "b2", "b3"):
                self.add_module(f"{place}_{level}", ResidualBlock(width, width))
        self.b2_plus_1 = ResidualBlock(width, width)

    def forward(self, features: Tensor) -> Tensor:
        """Refine features [N, C, H, W]."""
        return self._refine(features, self.depth)

    def _refine(self, features: Tensor, level: int) -> Tensor:
        lower = self._block("b2", level, F.max_pool2d(features, 2))
        lower = self._refine(lower, level - 1) if level > 1 else self.b2_plus_1(lower)
        lower = self._block("b3", level, lower)
        kept = self._block("b1", level, features)
        return kept + F.interpolate(lower, kept.shape[-2:], mode="bilinear")

    def _block(self, place: str, level: int, features: Tensor) -> Tensor:
        return cast(Tensor, self.get_submodule(f"{place}_{level}")(features))


def _positions(count: int, width: int) -> Tensor:
    """Sines, then cosines, of positions [1, count, width] (arXiv 1706.03762, section 3.5)."""
    rates = 10000.0 ** (-torch.arange(width // 2, dtype=torch.float64) / (width // 2))
    angles = torch.outer(torch.arange(count, dtype=torch.float64), rates)
    return torch.cat([angles.sin(), angles.cos()], dim=1).float().unsqueeze(0)
