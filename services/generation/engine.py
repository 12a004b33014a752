"""What every engine is: a streaming model from cues to motion, with a decoder from motion to pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.generation.domain import Loudness
from services.kit.contracts import Chunk, Cue, FloatArray, Motion

__all__ = ["Decoder", "Engine", "perform"]

StateT = TypeVar("StateT")
Rows = NDArray[np.bool_]


class Engine(Protocol[StateT]):
    """A model whose sessions are rows of one caller-owned state; `reset` and `step` consume it."""

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """The shape of the standard normal noise of one row and one chunk."""
        ...

    @property
    def speak_shape(self) -> tuple[int, ...]:
        """The shape of what a cue lets it hear of the character's own voice."""
        ...

    @property
    def listen_shape(self) -> tuple[int, ...]:
        """The shape of what a cue lets it hear of the other's voice."""
        ...

    def loudness(self, cue: Cue) -> tuple[Loudness | None, Loudness | None]:
        """How loud the character and the other are during a chunk; None for a stream that is absent."""
        ...

    def init_state(self, slots: int) -> StateT:
        """Return the state of `slots` fresh sessions."""
        ...

    def reset(self, state: StateT, rows: Rows) -> StateT:
        """Make the marked rows fresh; `rows` is [slots]."""
        ...

    def step(
        self, state: StateT, cues: Sequence[Cue | None], noise: FloatArray
    ) -> tuple[list[Motion | None], StateT]:
        """Answer the cue of every row; a row without one keeps its state.

        `noise` is [slots, *noise_shape].
        """
        ...

    def join(self, states: Sequence[StateT]) -> StateT:
        """One state with the rows of all, in their order."""
        ...

    def split(self, state: StateT) -> list[StateT]:
        """One state of a single row for each row, in their order."""
        ...

    def dump(self, state: StateT) -> bytes:
        """The bytes of a state of a single row."""
        ...

    def load(self, data: bytes) -> StateT:
        """Read what `dump` wrote. Raises ValueError for anything else, also for another engine's."""
        ...


class Decoder(Protocol):
    """Shows motion on one identity."""

    def decode(self, motion: Motion) -> Chunk:
        """Return the pictures of one chunk; equal motion gives equal pictures, in any order of calls."""
        ...


def perform(engine: Engine[StateT], cues: Iterable[Cue], seed: int) -> Iterator[Motion]:
    """Run one session from its first cue to its last; equal cues and seed give equal motion."""
    chance = np.random.default_rng(seed)
    state = engine.init_state(1)
    for cue in cues:
        noise = chance.standard_normal((1, *engine.noise_shape), np.float32)
        (motion,), state = engine.step(state, (cue,), noise)
        if motion is not None:
            yield motion
