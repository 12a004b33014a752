"""The configuration of an LPM in motion space, its variants, and how it is written beside the weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from models.audio.level import LevelConfig
from models.audio.logmel import LogMelConfig
from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ
from models.nn.cache import CacheLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakConfig:
    """The encoder of the speak stream: convolutions without padding, over log-mel frames.

    Tokens are `stride` log-mel frames apart. `centred` blocks look both ways, `causal` ones back only;
    the numbers are their dilations in tokens. A motion frame attends to its own tokens and to `reach`
    tokens on either side.
    """

    width: int
    stem_taps: int = 5
    stride: int = 2
    centred: tuple[int, ...] = (1, 2)
    causal: tuple[int, ...] = (4, 8)
    reach: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenConfig:
    """The encoder of the listen stream: one token per motion frame, from its past alone.

    `causal` blocks look back by these dilations in tokens. A motion frame attends to its own token and
    those of the 2 s before it, `window` in all. The newest log-mel frame is left out, because its taper
    reaches beyond the chunk: so nothing of the other's future is ever heard.
    """

    width: int
    stem_taps: int = 8
    causal: tuple[int, ...] = (1, 2, 4)
    window: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionConfig:
    """The encoder of direction: a learned token for each of `concepts`, in the strength it is asked for."""

    width: int
    concepts: int = 51
    items: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerConfig:
    """The Euler sampler: its descending noise levels, and the spread of the noise it starts from.

    `mouth_temperature` scales the noise of the mouth, which speech determines almost entirely;
    `life_temperature` that of everything else (head, gaze, lids, brows). The mouth is settled after
    `mouth_levels` estimates: more of them choose among what speech leaves open, and choose wrongly.
    `homing` is the share of its way back to the portrait's own pose that the head makes in every chunk:
    small errors of a session's own past would otherwise leave it turned to one side after minutes.
    `direction_guidance` is the scale of classifier-free guidance (Ho and Salimans, 2022) on the direction,
    for all but the mouth, in the first `guided_levels` estimates, which decide what is done; 1 asks for none.
    It moves no standardised number by more than `guidance_bound`: what is done becomes the past of what
    follows, and a long shake of the head that is always led further grows without end.
    """

    levels: tuple[float, ...] = (1.0, 0.8, 0.55, 0.3, 0.1)
    mouth_levels: int = 1
    mouth_temperature: float = 0.3
    life_temperature: float = 1.15
    homing: float = 0.06
    direction_guidance: float = 3.0
    guided_levels: int = 3
    guidance_bound: float = 1.0

    @property
    def is_guided(self) -> bool:
        """Whether an estimate without the direction is needed."""
        return self.direction_guidance != 1.0 and self.guided_levels > 0

    def after(self, index: int) -> float:
        """Return the level that follows the level `index`; the last is followed by 0."""
        return (*self.levels, 0.0)[index + 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LpmConfig:
    """One transformer over 58-number motion frames.

    Even layers attend to the speak stream, odd ones to the listen stream, all of them to the direction.
    """

    dim: int
    layers: int
    heads: int
    hidden: int
    speak: SpeakConfig
    listen: ListenConfig
    direction: DirectionConfig
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    logmel: LogMelConfig = field(default_factory=LogMelConfig)
    sink_chunks: int = 1
    window_chunks: int = 10
    longest_wavelength: float = 100.0
    timestep_frequencies: int = 8

    def __post_init__(self) -> None:
        if self.dim % (2 * self.heads):
            raise ValueError(f"dim {self.dim} is not a multiple of twice the {self.heads} heads")
        levels = (*self.sampler.levels, 0.0)
        if levels[0] != 1.0 or any(a <= b for a, b in pairwise(levels)):
            raise ValueError(f"sampler levels must fall from 1.0 and stay above 0, got {levels[:-1]}")
        if self.logmel.frame_rate_hz % (FRAME_RATE_HZ * self.speak.stride):
            raise ValueError(f"{self.logmel.frame_rate_hz} log-mel frames/s do not divide into motion frames")

    @property
    def cache(self) -> CacheLayout:
        return CacheLayout(sink=self.sink_chunks, window=self.window_chunks, chunk=CHUNK_FRAMES)

    @property
    def mels_per_frame(self) -> int:
        return self.logmel.frame_rate_hz // FRAME_RATE_HZ

    @property
    def tokens_per_frame(self) -> int:
        return self.mels_per_frame // self.speak.stride

    @property
    def attention_window(self) -> int:
        """Speak tokens that one motion frame attends to."""
        return self.tokens_per_frame + 2 * self.speak.reach

    @property
    def left_context(self) -> int:
        """Log-mel frames needed before the first motion frame of a window."""
        tokens = self.speak.reach + sum(self.speak.centred) + 2 * sum(self.speak.causal)
        return tokens * self.speak.stride + self.speak.stem_taps // 2

    @property
    def look_ahead(self) -> int:
        """Log-mel frames needed after the last motion frame of a window."""
        last_token = self.tokens_per_frame - 1 + self.speak.reach + sum(self.speak.centred)
        return last_token * self.speak.stride + self.speak.stem_taps // 2 + 1 - self.mels_per_frame

    @property
    def chunk_mels(self) -> int:
        return CHUNK_FRAMES * self.mels_per_frame

    @property
    def window_mels(self) -> int:
        """Log-mel frames of the speak stream in the window of one chunk."""
        return self.left_context + self.chunk_mels + self.look_ahead

    @property
    def listen_context(self) -> int:
        """Log-mel frames of the listen stream needed before the first motion frame of a window."""
        tokens = self.listen.window - 1 + 2 * sum(self.listen.causal)
        return tokens * self.mels_per_frame + self.listen.stem_taps - self.mels_per_frame + 1

    @property
    def listen_mels(self) -> int:
        """Log-mel frames of the listen stream in the window of one chunk, which lacks the newest."""
        return self.listen_context + self.chunk_mels - 1


def tiny() -> LpmConfig:
    """A size for tests."""
    return LpmConfig(
        dim=32,
        layers=2,
        heads=2,
        hidden=64,
        window_chunks=3,
        speak=SpeakConfig(width=16),
        listen=ListenConfig(width=8, window=15),
        direction=DirectionConfig(width=8),
        sampler=SamplerConfig(levels=(1.0, 0.4), mouth_levels=1, guided_levels=1),
        logmel=LogMelConfig(bands=16),
    )


def motion() -> LpmConfig:
    """The default engine: 58 numbers, 25 frames/s, made for one CPU core."""
    return LpmConfig(
        dim=192,
        layers=4,
        heads=4,
        hidden=576,
        speak=SpeakConfig(width=192),
        listen=ListenConfig(width=96),
        direction=DirectionConfig(width=64),
    )


VARIANTS: Final[Mapping[str, Callable[[], LpmConfig]]] = MappingProxyType({"tiny": tiny, "motion": motion})


def to_json(config: LpmConfig) -> str:
    """Return the resolved configuration as JSON."""
    return json.dumps(asdict(config), indent=2) + "\n"


def from_json(text: str) -> LpmConfig:
    """Read what `to_json` wrote. Raises ValueError for unknown or missing fields."""
    fields = json.loads(text)
    try:
        speak, listen, direction = fields.pop("speak"), fields.pop("listen"), fields.pop("direction")
        sampler, logmel = fields.pop("sampler"), fields.pop("logmel")
        level = LevelConfig(**logmel.pop("level"))
        return LpmConfig(
            speak=SpeakConfig(**_with_tuples(speak)),
            listen=ListenConfig(**_with_tuples(listen)),
            direction=DirectionConfig(**direction),
            sampler=SamplerConfig(**_with_tuples(sampler)),
            logmel=LogMelConfig(level=level, **logmel),
            **fields,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an LPM configuration: {error}") from error


# JSON has no types to check against: the dataclasses refuse what they do not know.
def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
