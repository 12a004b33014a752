"""How wide each layer of a UNet is, and what it consists of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.personalive.config import UNetConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerShape:
    """Channels that come into a layer, channels of all else, and what follows its residual block.

    `moves` stands for the motion module and the temporal module.
    """

    channels_in: int
    channels: int
    attends: bool
    moves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkShapes:
    """The shapes of all layers, stage by stage."""

    down: tuple[tuple[LayerShape, ...], ...]
    mid: tuple[LayerShape, ...]
    up: tuple[tuple[LayerShape, ...], ...]


def still(config: UNetConfig) -> TrunkShapes:
    """Return the shapes of a trunk for single pictures."""
    lowest = config.channels[-1]
    mid = LayerShape(channels_in=lowest, channels=lowest, attends=True)
    return TrunkShapes(down=_down(config), mid=(mid, replace(mid, attends=False)), up=_up(config))


def moving(config: UNetConfig) -> TrunkShapes:
    """Return the shapes of a trunk for windows of frames: all layers but the last of the middle move."""
    shapes = still(config)
    first, *others = shapes.mid
    return TrunkShapes(
        down=tuple(_moving(stage) for stage in shapes.down),
        mid=(replace(first, moves=True), *others),
        up=tuple(_moving(stage) for stage in shapes.up),
    )


def _moving(stage: tuple[LayerShape, ...]) -> tuple[LayerShape, ...]:
    return tuple(replace(shape, moves=True) for shape in stage)


def _down(config: UNetConfig) -> tuple[tuple[LayerShape, ...], ...]:
    stages, before = [], config.channels[0]
    for channels, attends in zip(config.channels, config.attends, strict=True):
        widths = (before, *[channels] * (config.layers - 1))
        stages.append(tuple(LayerShape(channels_in=w, channels=channels, attends=attends) for w in widths))
        before = channels
    return tuple(stages)


def _up(config: UNetConfig) -> tuple[tuple[LayerShape, ...], ...]:
    skips, stages, before = _skips(config), [], config.channels[-1]
    for channels, attends in reversed(tuple(zip(config.channels, config.attends, strict=True))):
        layers = []
        for _ in range(config.layers + 1):
            layers.append(LayerShape(channels_in=before + skips.pop(), channels=channels, attends=attends))
            before = channels
        stages.append(tuple(layers))
    return tuple(stages)


def _skips(config: UNetConfig) -> list[int]:
    """Return the channels of what the way down leaves for the way up: `conv_in`, layers, halvings."""
    left = [config.channels[0]]
    for channels in config.channels:
        left += [channels] * (config.layers + 1)
    return left[:-1]
