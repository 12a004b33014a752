"""The configuration of FantasyTalking, its variants, and how it is written beside the weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneConfig:
    """The image-to-video transformer of Wan2.1.

    Its input channels are the noisy latent, `mask_channels` that mark what is given, and the given latent.
    """

    dim: int
    ffn_dim: int
    layers: int
    heads: int
    text_dim: int
    image_dim: int
    frequency_dim: int
    latent_channels: int = 16
    mask_channels: int = 4
    text_length: int = 512
    patch: tuple[int, int, int] = (1, 2, 2)
    eps: float = 1e-6
    longest_axis: int = 1024

    def __post_init__(self) -> None:
        if self.dim % self.heads or (self.dim // self.heads) % 2:
            raise ValueError(f"dim {self.dim} does not divide into {self.heads} heads of even width")
        if self.frequency_dim % 2:
            raise ValueError(f"frequency_dim must be even, got {self.frequency_dim}")

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    @property
    def in_channels(self) -> int:
        return 2 * self.latent_channels + self.mask_channels


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioConfig:
    """The audio branch: features of a speech encoder, projected to tokens, in windows per latent frame.

    A window is extended by `expansion` tokens on either side.
    """

    feature_dim: int = 768
    token_dim: int = 2048
    expansion: int = 4
    norm_eps: float = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConfig:
    """The identity branch: `queries` tokens read from the embedding of a face crop.

    `scale` weighs what the tokens add to cross-attention (paper, section 3.3: 0.5).
    """

    face_dim: int = 512
    token_dim: int = 2048
    queries: int = 16
    layers: int = 4
    heads: int = 16
    scale: float = 0.5

    def __post_init__(self) -> None:
        if self.token_dim % self.heads:
            raise ValueError(f"token_dim {self.token_dim} does not divide into {self.heads} heads")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityConfig:
    """The motion-intensity network: width of each coefficient's embedding, and length it is pooled over."""

    width: int = 256
    length: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """What one clip is: its rate and longest length, and the sizes of its pictures.

    Keep the frame rate: the length of an audio window follows from it, and the weights learned that length.
    """

    frame_rate_hz: int = 23
    max_frames: int = 81
    sample_rate_hz: int = 16_000
    longest_edge: int = 512
    size_multiple: int = 16
    vision_size: int = 224
    vae_stride: int = 8
    frames_per_latent: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanConfig:
    """How a long video is cut: latent frames of a span, and those that it shares with the next."""

    length: int = 21
    overlap: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.overlap < self.length:
            raise ValueError(f"expected an overlap from 1 to below {self.length}, got {self.overlap}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerConfig:
    """Euler flow matching: the number of steps and the shift of noise levels towards noise.

    `prompt_scale` and `audio_scale` are the guidance scales of text and speech.
    """

    steps: int = 30
    shift: float = 5.0
    prompt_scale: float = 5.0
    audio_scale: float = 5.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.shift <= 0:
            raise ValueError(f"expected steps >= 1 and shift > 0, got {self.steps} and {self.shift}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FantasyTalkingConfig:
    """The whole network. What is published has neither the identity branch nor motion intensity."""

    backbone: BackboneConfig
    audio: AudioConfig = field(default_factory=AudioConfig)
    identity: IdentityConfig | None = None
    intensity: IntensityConfig | None = None
    clip: ClipConfig = field(default_factory=ClipConfig)
    span: SpanConfig = field(default_factory=SpanConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)


def tiny() -> FantasyTalkingConfig:
    """A size for tests: whole, with every branch, and quick on one CPU core."""
    return FantasyTalkingConfig(
        backbone=BackboneConfig(
            dim=24, ffn_dim=32, layers=2, heads=2, text_dim=16, image_dim=16, frequency_dim=16, text_length=8
        ),
        audio=AudioConfig(feature_dim=12, token_dim=16),
        identity=IdentityConfig(face_dim=8, token_dim=16, queries=3, layers=1, heads=2),
        intensity=IntensityConfig(width=8, length=4),
        span=SpanConfig(length=4, overlap=2),
        sampler=SamplerConfig(steps=3),
    )


def published() -> FantasyTalkingConfig:
    """Wan2.1-I2V-14B-720P and the 83 published audio tensors."""
    return FantasyTalkingConfig(
        backbone=BackboneConfig(
            dim=5120, ffn_dim=13824, layers=40, heads=40, text_dim=4096, image_dim=1280, frequency_dim=256
        )
    )


def whole() -> FantasyTalkingConfig:
    """The published network with the two branches that the paper describes and nobody published."""
    return FantasyTalkingConfig(
        backbone=published().backbone, identity=IdentityConfig(), intensity=IntensityConfig()
    )


VARIANTS: Final[Mapping[str, Callable[[], FantasyTalkingConfig]]] = MappingProxyType(
    {"tiny": tiny, "published": published, "whole": whole}
)


def to_json(config: FantasyTalkingConfig) -> str:
    """Return the resolved configuration as JSON."""
    return json.dumps(asdict(config), indent=2) + "\n"


def from_json(text: str) -> FantasyTalkingConfig:
    """Read what `to_json` wrote. Raises ValueError for unknown or missing fields."""
    fields = json.loads(text)
    try:
        backbone = dict(fields.pop("backbone"))
        identity, intensity = fields.pop("identity"), fields.pop("intensity")
        return FantasyTalkingConfig(
            backbone=BackboneConfig(patch=tuple(backbone.pop("patch")), **backbone),
            audio=AudioConfig(**fields.pop("audio")),
            identity=IdentityConfig(**identity) if identity else None,
            intensity=IntensityConfig(**intensity) if intensity else None,
            clip=ClipConfig(**fields.pop("clip")),
            span=SpanConfig(**fields.pop("span")),
            sampler=SamplerConfig(**fields.pop("sampler")),
            **fields,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a FantasyTalking configuration: {error}") from error
