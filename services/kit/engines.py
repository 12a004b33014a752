"""The engines that performances may name, and their clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from services.kit.contracts import CHUNK_FRAMES

__all__ = ["CLOCKS", "DRIVEN_ENGINES", "SPOKEN_ENGINES", "EngineClock", "EngineName"]

EngineName = Literal["lpm", "personalive", "personalive_early", "fantasytalking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineClock:
    """How many frames an engine shows at a time, and how many cues later than it is told of them."""

    chunk_frames: int
    lag: int


# What follows a driver live cannot wait for five frames at a time.
CLOCKS: Final[Mapping[str, EngineClock]] = MappingProxyType(
    {
        "lpm": EngineClock(chunk_frames=CHUNK_FRAMES, lag=0),
        "personalive": EngineClock(chunk_frames=4, lag=3),
        "personalive_early": EngineClock(chunk_frames=4, lag=2),
        "fantasytalking": EngineClock(chunk_frames=CHUNK_FRAMES, lag=0),
    }
)
# Those that follow a driver's pictures and nothing else: they hear no speech and read no direction.
DRIVEN_ENGINES: Final = frozenset({"personalive", "personalive_early"})
# Those that hear what is said and nothing else, and perform it as a whole. One direction is their prompt, in
# words of any kind; they show pictures, and no motion.
SPOKEN_ENGINES: Final = frozenset({"fantasytalking"})
