"""The configuration of PersonaLive, its variants, and how it is written beside the weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_type_hints

from models.personalive.front_end import config as front_end
from models.personalive.front_end.config import FrontEndConfig
from models.personalive.keyframes import KeyframeConfig
from models.personalive.scheduler import ScheduleConfig

# Pixels per latent, along each side, of the autoencoder of Stable Diffusion.
PIXELS_PER_LATENT: Final = 8

ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True, slots=True)
class BankPlace:
    """Where a spatial attention stands: `side` is down, mid or up; `level` counts halvings of resolution."""

    side: str
    stage: int
    layer: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetConfig:
    """The denoising UNet and the reference UNet, which have the same two-dimensional trunk.

    `channels` and `attends` go from the finest resolution to the coarsest; each is half the one before.
    A window has `chunks` micro-chunks of `chunk_frames`, one per noise level; `max_positions` is the length
    of the position tables in temporal modules.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaLiveConfig:
    """All of PersonaLive for pictures of `picture` pixels square."""

    picture: int
    unet: UNetConfig
    front_end: FrontEndConfig = field(default_factory=FrontEndConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    keyframes: KeyframeConfig = field(default_factory=KeyframeConfig)

    def __post_init__(self) -> None:
        smallest = PIXELS_PER_LATENT << (len(self.unet.channels) - 1)
        if self.picture < smallest or self.picture % smallest:
            raise ValueError(f"pictures of {self.picture} px, expected a multiple of {smallest}")
        if len(self.schedule.levels) != self.unet.chunks:
            raise ValueError(f"{self.unet.chunks} chunks, but noise levels {self.schedule.levels}")
        offered = self.front_end.encoder.tokens, self.front_end.encoder.token_width
        expected = self.unet.motion_tokens, self.unet.motion_width
        if offered != expected:
            raise ValueError(f"motion tokens of {offered} (how many, how wide), the UNet expects {expected}")

    @property
    def latent(self) -> int:
        """Rows, and columns, of a picture's latents."""
        return self.picture // PIXELS_PER_LATENT

    @property
    def slots(self) -> int:
        """How many pictures a row may refer to: its portrait and its keyframes."""
        return 1 + self.keyframes.limit


def published() -> PersonaLiveConfig:
    """The published size: 1.68 billion parameters denoise, 0.86 billion read reference pictures."""
    return PersonaLiveConfig(picture=512, unet=UNetConfig(channels=(320, 640, 1280, 1280)))


def narrow() -> PersonaLiveConfig:
    """The published structure with UNets of a fifth of the width, as in the narrow parity fixtures."""
    return PersonaLiveConfig(picture=128, unet=UNetConfig(channels=(64, 128, 256, 256)))


def tiny() -> PersonaLiveConfig:
    """A size for tests."""
    unet = UNetConfig(
        channels=(16, 16, 32, 32),
        layers=1,
        heads=2,
        groups=8,
        image_width=24,
        motion_tokens=4,
        motion_width=8,
    )
    return PersonaLiveConfig(picture=64, unet=unet, front_end=front_end.tiny())


def leaving_early(config: PersonaLiveConfig) -> PersonaLiveConfig:
    """Approximate: frames leave a level, and so a chunk, earlier, as what is estimated of them by then.

    The window has a chunk less. The same weights serve, since they were trained to estimate at each level.
    """
    return replace(
        config,
        unet=replace(config.unet, chunks=config.unet.chunks - 1),
        schedule=replace(config.schedule, levels=config.schedule.levels[1:]),
    )


VARIANTS: Final[Mapping[str, Callable[[], PersonaLiveConfig]]] = MappingProxyType(
    {"tiny": tiny, "narrow": narrow, "published": published}
)


def to_json(config: PersonaLiveConfig) -> str:
    """Return the resolved configuration as JSON."""
    return json.dumps(asdict(config), indent=2) + "\n"


def from_json(text: str) -> PersonaLiveConfig:
    """Read what `to_json` wrote. Raises ValueError for unknown or missing fields."""
    try:
        return _read(PersonaLiveConfig, json.loads(text))
    except (AttributeError, TypeError) as error:
        raise ValueError(f"not a PersonaLive configuration: {error}") from error


# JSON has no types to check against: the dataclasses refuse what they do not know.
def _read(kind: type[ConfigT], values: dict[str, Any]) -> ConfigT:
    hints = get_type_hints(kind)
    return kind(
        **{
            name: _read(hints[name], value) if is_dataclass(hints.get(name)) else _with_tuples(value)
            for name, value in values.items()
        }
    )


def _with_tuples(value: object) -> object:
    return tuple(_with_tuples(item) for item in value) if isinstance(value, list) else value
