"""Whose face it is: the improved residual network that embeddings of faces commonly come from.

The network of ArcFace (arXiv 1801.07698) with the residual blocks of arXiv 2004.04989. We ship no weights:
on which terms others do is told in docs/licences.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from models.fantasytalking.checkpoint import audit, stored_tensors

# Shapes: B samples, C channels, H = W rows and columns.

_EPS: Final = 1e-5
# How often statistics were updated: of no use here, and not in all files.
_COUNTER: Final = ".num_batches_tracked"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceEncoderConfig:
    """Residual blocks of each resolution and their channels, the side of a face in pixels, numbers it has."""

    blocks: tuple[int, ...]
    channels: tuple[int, ...] = (64, 128, 256, 512)
    side: int = 112
    dim: int = 512

    def __post_init__(self) -> None:
        if len(self.blocks) != len(self.channels) or self.side % 2 ** len(self.blocks):
            raise ValueError(
                f"blocks {self.blocks} and channels {self.channels} do not divide {self.side} pixels"
            )


def face_encoder_50() -> FaceEncoderConfig:
    """The size with 50 layers."""
    return FaceEncoderConfig(blocks=(3, 4, 14, 3))


def face_encoder_100() -> FaceEncoderConfig:
    """The size with 100 layers."""
    return FaceEncoderConfig(blocks=(3, 13, 30, 3))


def tiny_face_encoder() -> FaceEncoderConfig:
    """A size for tests."""
    return FaceEncoderConfig(blocks=(1, 1), channels=(4, 8), side=16, dim=8)


class FaceEncoder(nn.Module):
    """An embedding of an aligned face; modules are named as in the published files."""

    def __init__(self, config: FaceEncoderConfig) -> None:
        super().__init__()
        self.config = config
        stem = config.channels[0]
        self.conv1 = nn.Conv2d(3, stem, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem, eps=_EPS)
        self.prelu = nn.PReLU(stem)
        widths = (stem, *config.channels)
        for index, blocks in enumerate(config.blocks):
            stage = nn.Sequential(*_stage(widths[index], widths[index + 1], blocks))
            self.add_module(f"layer{index + 1}", stage)
        self.bn2 = nn.BatchNorm2d(widths[-1], eps=_EPS)
        places = (config.side // 2 ** len(config.blocks)) ** 2
        self.fc = nn.Linear(widths[-1] * places, config.dim)
        self.features = nn.BatchNorm1d(config.dim, eps=_EPS)

    def forward(self, faces: Tensor) -> Tensor:
        """Return embeddings [B, dim], of any length, of aligned RGB faces [B, 3, side, side] in -1..1."""
        x = self.prelu(self.bn1(self.conv1(faces)))
        for index in range(len(self.config.blocks)):
            x = self.get_submodule(f"layer{index + 1}")(x)
        embedding: Tensor = self.features(self.fc(self.bn2(x).flatten(1)))
        return embedding


def load_face_encoder(file: Path, config: FaceEncoderConfig) -> FaceEncoder:
    """Read the encoder from a published file, ready for inference.

    Raises ValueError that names every tensor which is missing, unexpected or misshaped.
    """
    stored = {name: t for name, t in stored_tensors(file).items() if not name.endswith(_COUNTER)}
    with torch.device("meta"):
        encoder = FaceEncoder(config)
    state = {name: t for name, t in encoder.state_dict().items() if not name.endswith(_COUNTER)}
    audit({name: t.shape for name, t in stored.items()}, {name: tuple(t.shape) for name, t in state.items()})
    encoder.to_empty(device="cpu")
    encoder.load_state_dict({name: tensor.read().float() for name, tensor in stored.items()}, strict=False)
    return encoder.eval().requires_grad_(requires_grad=False)


def _stage(width: int, channels: int, blocks: int) -> Iterator[nn.Module]:
    yield _Block(width, channels, stride=2)
    for _ in range(blocks - 1):
        yield _Block(channels, channels, stride=1)


class _Block(nn.Module):
    def __init__(self, width: int, channels: int, *, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(width, eps=_EPS)
        self.conv1 = nn.Conv2d(width, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels, eps=_EPS)
        self.prelu = nn.PReLU(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels, eps=_EPS)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(width, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels, eps=_EPS)
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        out: Tensor = self.bn3(self.conv2(inner)) + self.downsample(x)
        return out
