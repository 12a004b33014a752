"""How different two pictures look, as features of a frozen network see it (LPIPS, arXiv 1801.03924)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.personalive.audit import check
from models.personalive.files import read_pickle

# Shapes: N pictures, H and W their rows and columns, C channels of features.

FEATURES_FILE: Final = "vgg16.pth"
DISTANCES_FILE: Final = "lpips_vgg.pth"
# How the published metric standardises pictures in -1..1.
SHIFT: Final = (-0.030, -0.088, -0.188)
SPREAD: Final = (0.458, 0.448, 0.450)
EPS: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureConfig:
    """Widths of the convolutions of each stage; between stages the resolution halves."""

    stages: tuple[tuple[int, ...], ...] = (
        (64, 64),
        (128, 128),
        (256, 256, 256),
        (512, 512, 512),
        (512, 512, 512),
    )


class PerceptualDistance(nn.Module):
    """VGG16 (arXiv 1409.1556) up to its last convolution, and weights of the squared difference of features.

    With the published weights (`load`) this is LPIPS. With drawn ones (`draw`) it is a distance between
    random features, which orders pictures only roughly and must not be reported as LPIPS.
    """

    shift: Tensor
    spread: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.taps: list[int] = []
        before = 3
        for stage in config.stages:
            if layers:
                layers.append(nn.MaxPool2d(2))
            for width in stage:
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
                before = width
            self.taps.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        self.distances = nn.ModuleList(nn.Conv2d(stage[-1], 1, 1, bias=False) for stage in config.stages)
        self.register_buffer("shift", torch.tensor(SHIFT).view(3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD).view(3, 1, 1), persistent=False)
        self.requires_grad_(requires_grad=False)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the distance [N] of pictures [N, 3, H, W] in -1..1."""
        total = one.new_zeros(len(one))
        pairs = zip(self._see(one), self._see(other), self.distances, strict=True)
        for mine, theirs, weigh in pairs:
            total = total + weigh((mine - theirs).square()).mean(dim=(1, 2, 3))
        return total

    def _see(self, pictures: Tensor) -> list[Tensor]:
        """Return the features of every stage, each place's of unit length."""
        x, seen = (pictures - self.shift) / self.spread, []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                seen.append(F.normalize(x, dim=1, eps=EPS))
        return seen


def load(folder: Path, config: FeatureConfig | None = None) -> PerceptualDistance:
    """Read the published metric: `vgg16.pth` as torchvision publishes it, and LPIPS's own `lpips_vgg.pth`.

    Of the former only convolutions are taken, in the latter they are called `lin0.model.1.weight` and so
    on. Raises ValueError when one is missing, or naming every tensor that does not fit.
    """
    network = PerceptualDistance(config or FeatureConfig())
    found = read_pickle(folder / FEATURES_FILE)
    features = {name: tensor for name, tensor in found.items() if name.startswith("features.")}
    distances = read_pickle(folder / DISTANCES_FILE)
    ours = {name: tensor for name, tensor in network.state_dict().items() if name.startswith("features.")}
    check(FEATURES_FILE, features, ours)
    names = {f"lin{index}.model.1.weight": f"distances.{index}.weight" for index in range(len(network.taps))}
    state = network.state_dict()
    check(DISTANCES_FILE, distances, {name: state[own] for name, own in names.items()})
    network.load_state_dict({**features, **{own: distances[name] for name, own in names.items()}})
    return network


def draw(config: FeatureConfig, seed: int) -> PerceptualDistance:
    """Return a distance of random features, every channel of which counts alike."""
    network = PerceptualDistance(config)
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.startswith("distances."):
            tensor.fill_(1.0)
        elif tensor.ndim > 1:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / tensor[0].numel()) ** 0.5)
        else:
            tensor.zero_()
    return network


def tiny() -> FeatureConfig:
    """A size for tests."""
    return FeatureConfig(stages=((8,), (16,)))
