"""The trunk of both UNets: layers on falling, then rising resolution, joined by skip connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from diffusers.models.embeddings import TimestepEmbedding, get_timestep_embedding
from torch import Tensor, nn

from models.personalive.blocks import doubling, halving, resnet
from models.personalive.config import UNetConfig
from models.personalive.motion_module import MotionModule
from models.personalive.shapes import LayerShape, TrunkShapes
from models.personalive.spatial import SpatialTransformer
from models.personalive.temporal_module import TemporalModule

# Shapes: R rows or rows * frames, C channels, H and W of the latent, T timesteps.


class Layer(nn.Module):
    """The parts of one layer; the UNets say how they follow each other.

    `time` projects the embedding of a noise level to the shift of the residual block. Noise levels never
    change, so this happens once and not in a step.
    """

    def __init__(self, config: UNetConfig, shape: LayerShape) -> None:
        super().__init__()
        self.time = nn.Linear(config.time_width, shape.channels)
        self.resnet = resnet(config, shape.channels_in, shape.channels)
        self.spatial = SpatialTransformer(config, shape.channels) if shape.attends else None
        self.motion = MotionModule(config, shape.channels) if shape.moves else None
        self.temporal = TemporalModule(config, shape.channels) if shape.moves else None


Visit = Callable[[Layer, Tensor], Tensor]


class Trunk(nn.Module):
    """Everything between the latents and the last layer's output."""

    def __init__(self, config: UNetConfig, shapes: TrunkShapes) -> None:
        super().__init__()
        finest, coarsest = 0, len(config.channels) - 1
        self.conv_in = nn.Conv2d(config.latent_channels, config.channels[finest], 3, padding=1)
        self.time_embedding = TimestepEmbedding(config.channels[finest], config.time_width)
        self.down = nn.ModuleList(
            DownStage(_layers(config, stage), halving(config.channels[level]) if level < coarsest else None)
            for level, stage in enumerate(shapes.down)
        )
        self.mid = MidStage(_layers(config, shapes.mid))
        self.up = nn.ModuleList(
            UpStage(_layers(config, stage), doubling(stage[-1].channels) if up < coarsest else None)
            for up, stage in enumerate(shapes.up)
        )

    def layers(self) -> Iterator[Layer]:
        """Yield the layers in the order in which they run."""
        for module in self.modules():
            if isinstance(module, Layer):
                yield module

    def shifts(self, timesteps: Tensor) -> tuple[Tensor, ...]:
        """Return, for every layer, the shifts [T, C] of its residual block at `timesteps` [T]."""
        width = self.conv_in.out_channels
        waves = get_timestep_embedding(timesteps, width, flip_sin_to_cos=True, downscale_freq_shift=0)
        embedded = nn.functional.silu(self.time_embedding(waves.to(self.conv_in.weight)))
        return tuple(layer.time(embedded) for layer in self.layers())

    def forward(self, x: Tensor, visit: Visit) -> Tensor:
        """Return [R, C, H, W] after all layers, each of which `visit` applies, from what `conv_in` gave."""
        skips = [x]
        for stage in self.down:
            x, kept = stage(x, visit)
            skips += kept
        x = self.mid(x, visit)
        for stage in self.up:
            x = stage(x, visit, skips)
        return x


class DownStage(nn.Module):
    """The layers of one resolution on the way down, and what halves it."""

    def __init__(self, layers: Sequence[Layer], resample: nn.Module | None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.resample = resample

    def forward(self, x: Tensor, visit: Visit) -> tuple[Tensor, list[Tensor]]:
        """Return what leaves the stage, and what its mirror image on the way up will take."""
        kept = []
        for layer in _typed(self.layers):
            x = visit(layer, x)
            kept.append(x)
        if self.resample is not None:
            x = self.resample(x)
            kept.append(x)
        return x, kept


class MidStage(nn.Module):
    """The layers of the lowest resolution."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, visit: Visit) -> Tensor:
        for layer in _typed(self.layers):
            x = visit(layer, x)
        return x


class UpStage(nn.Module):
    """The layers of one resolution on the way up, and what doubles it."""

    def __init__(self, layers: Sequence[Layer], resample: nn.Module | None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.resample = resample

    def forward(self, x: Tensor, visit: Visit, skips: list[Tensor]) -> Tensor:
        """Return what leaves the stage; takes one of `skips` per layer, from the end."""
        for layer in _typed(self.layers):
            x = visit(layer, torch.cat((x, skips.pop()), dim=1))
        return x if self.resample is None else self.resample(x)


def _layers(config: UNetConfig, shapes: Sequence[LayerShape]) -> list[Layer]:
    return [Layer(config, shape) for shape in shapes]


def _typed(layers: nn.ModuleList) -> Iterator[Layer]:
    for layer in layers:
        assert isinstance(layer, Layer)
        yield layer
