"""Small engines of PersonaLive, and sessions on them that follow drivers of noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from models.personalive.bundle import FramedPortrait, dump_portrait
from services.encoding.footage import to_jpeg
from services.generation.engine import Coming, perform
from services.generation.personalive import Lanes, PersonaLiveEngine
from services.generation.personalive_loading import load_parts, open_engine
from services.generation.personalive_rows import PortraitRole, State
from services.generation.settings import EngineSettings
from services.kit.contracts import Chunk, Cue, Pixels

T = TypeVar("T")
SIZE = 48


def opened(folder: Path, **settings: Any) -> PersonaLiveEngine:
    """The engine `personalive` of a folder of weights."""
    given = EngineSettings(**settings)
    return open_engine("personalive", load_parts(folder, given), given)


def picture(seed: int, side: int = 32) -> Pixels:
    """A picture of noise."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def seated(engine: PersonaLiveEngine, portrait: int) -> State:
    """A row that begins, as a portrait of that number."""
    return _role(engine, portrait).seat(engine.init_state(1))


def seated_again(engine: PersonaLiveEngine, portrait: int, data: bytes) -> State:
    """A row that goes on from its bytes."""
    return _role(engine, portrait).seat(engine.load(data))


def footage(driver: int, chunks: int, last: int = 4, lag: int = 3) -> list[Cue]:
    """The cues of a driver of so many chunks, of which the last one has `last` frames."""
    frames = [4] * (chunks - 1) + [last]
    return [
        Cue(
            sequence=sequence,
            num_frames=frames[sequence - lag] if sequence >= lag else 0,
            pictures=tuple(
                to_jpeg(picture(1000 * driver + 4 * sequence + n))
                if sequence < chunks and n < frames[sequence]
                else b""
                for n in range(4)
            ),
        )
        for sequence in range(chunks + lag)
    ]


def take(engine: PersonaLiveEngine, portrait: int, cues: Sequence[Cue]) -> list[Chunk]:
    """What a session alone shows."""
    answers = list(perform(engine, seated(engine, portrait), cues, 0))
    return [answer.fetch() for answer in answers if isinstance(answer, Coming)]


def frames_of(chunks: Sequence[Chunk]) -> Pixels:
    """All pictures of chunks."""
    return np.concatenate([chunk.frames for chunk in chunks])


def _role(engine: PersonaLiveEngine, portrait: int) -> PortraitRole:
    return engine.read_identity(dump_portrait(FramedPortrait(pixels=picture(portrait, 64), size=SIZE)))


def with_late_lanes(engine: PersonaLiveEngine, rows: int = 1) -> PersonaLiveEngine:
    """An engine with the model of another, whose lanes work as late as they may."""
    return PersonaLiveEngine(engine.model, engine._embedder, rows, Lanes(Late(), Late()))


class Late:
    """A lane that works as late as it may: when its result is asked for."""

    def start(self, work: Callable[[], T]) -> Postponed[T]:
        return Postponed(torch.inference_mode()(work))

    follow = start


@dataclass(frozen=True, slots=True)
class Postponed(Generic[T]):
    """Work that is still to be done."""

    wait: Callable[[], T]

    @property
    def fetch(self) -> Callable[[], T]:
        return self.wait
