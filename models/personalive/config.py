"""The configuration of PersonaLive's networks, and its variants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetConfig:
    """The denoising UNet and the reference UNet, which have the same two-dimensional trunk.

    `channels` and `attends` go from the finest resolution to the coarsest; each is half the one before.
    A window has `chunks` micro-chunks of `chunk_frames`, one per noise level. `max_positions` is the length
    of the position tables in temporal modules, `keyframes` how many may join the portrait as reference.
    """

    channels: tuple[int, ...]
    attends: tuple[bool, ...] = (True, True, True, False)
    layers: int = 2
    heads: int = 8
    groups: int = 32
    resnet_eps: float = 1e-5
    transformer_eps: float = 1e-6
    latent_channels: int = 4
    image_width: int = 768
    motion_tokens: int = 32
    motion_width: int = 16
    chunks: int = 4
    chunk_frames: int = 4
    max_positions: int = 32
    keyframes: int = 3

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.attends):
            raise ValueError(f"{len(self.channels)} widths, but attention told for {len(self.attends)}")
        unfit = [width for width in self.channels if width % self.groups or width % self.heads]
        if unfit:
            raise ValueError(f"widths {unfit} do not divide into {self.groups} groups and {self.heads} heads")
        if self.frames > self.max_positions:
            raise ValueError(f"{self.frames} frames, but only {self.max_positions} positions")

    @property
    def frames(self) -> int:
        """Frames of a window."""
        return self.chunks * self.chunk_frames

    @property
    def time_width(self) -> int:
        return 4 * self.channels[0]

    @property
    def slots(self) -> int:
        """How many pictures a row may refer to: its portrait and its keyframes."""
        return 1 + self.keyframes

    def banks(self) -> Iterator[BankPlace]:
        """Yield the places of the spatial attentions, in the order in which they run."""
        levels = range(len(self.channels))
        for level in levels:
            if self.attends[level]:
                yield from (BankPlace("down", level, layer, level) for layer in range(self.layers))
        yield BankPlace("mid", 0, 0, levels[-1])
        for up, level in enumerate(reversed(levels)):
            if self.attends[level]:
                yield from (BankPlace("up", up, layer, level) for layer in range(self.layers + 1))


@dataclass(frozen=True, slots=True)
class BankPlace:
    """Where a spatial attention stands: `side` is down, mid or up; `level` counts halvings of resolution."""

    side: str
    stage: int
    layer: int
    level: int


def published_unet() -> UNetConfig:
    """The published size: 1.68 billion parameters, and 0.86 billion of the reference UNet."""
    return UNetConfig(channels=(320, 640, 1280, 1280))


def narrow_unet() -> UNetConfig:
    """The published structure at a fifth of its width, as in the narrow parity fixtures."""
    return UNetConfig(channels=(64, 128, 256, 256))


def tiny_unet() -> UNetConfig:
    """A size for tests."""
    return UNetConfig(
        channels=(16, 16, 32, 32),
        layers=1,
        heads=2,
        groups=8,
        image_width=24,
        motion_tokens=4,
        motion_width=8,
    )
