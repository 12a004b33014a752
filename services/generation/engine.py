"""What every engine is: a streaming model from cues to motion or to pictures, and what draws its motion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.generation.domain import Loudness
from services.kit.contracts import Chunk, Cue, FloatArray, Motion

__all__ = ["Answer", "Coming", "Decoder", "Engine", "Role", "perform"]

StateT = TypeVar("StateT")
Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A chunk of pictures that a device may still be making; `fetch` waits for it, on any thread."""

    sequence: int
    fetch: Callable[[], Chunk]


# A chunk as an engine tells it: motion, which is still to be drawn, its pictures, or a promise of them.
Answer: TypeAlias = Motion | Chunk | Coming


class Decoder(Protocol):
    """Shows motion on one identity."""

    def decode(self, motion: Motion) -> Chunk:
        """Return the pictures of one chunk; equal motion gives equal pictures, in any order of calls."""
        ...


class Role(Protocol[StateT]):
    """An identity as its engine performs it; it outlives sessions, and many may perform it."""

    def seat(self, row: StateT) -> StateT:
        """Let a row, fresh or loaded, perform this identity."""
        ...

    def decoders(self, count: int) -> Sequence[Decoder]:
        """As many as draw beside each other; none where the engine answers with pictures."""
        ...


class Engine(Protocol[StateT]):
    """A model whose sessions are rows of one caller-owned state; `reset` and `step` consume it."""

    @property
    def lag(self) -> int:
        """How many cues a chunk leaves after its own: cue n is answered by chunk n - lag, if there is one."""
        ...

    @property
    def max_rows(self) -> int:
        """How many rows it gains from computing together; the results of a step come all at once."""
        ...

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """The shape of the standard normal noise of one row and one chunk."""
        ...

    def check(self, cue: Cue) -> None:
        """Raise ValueError that says what of a cue the engine cannot answer."""
        ...

    def loudness(self, cue: Cue) -> tuple[Loudness | None, Loudness | None]:
        """How loud the character and the other are during a chunk; None for a stream that is absent."""
        ...

    def read_identity(self, bundle: bytes) -> Role[StateT]:
        """Make the role of the identity in a bundle. Raises ValueError for any other bytes."""
        ...

    def init_state(self, slots: int) -> StateT:
        """Return the state of `slots` fresh sessions."""
        ...

    def reset(self, state: StateT, rows: Rows) -> StateT:
        """Make the marked rows fresh; `rows` is [slots]."""
        ...

    def step(
        self, state: StateT, cues: Sequence[Cue | None], noise: FloatArray
    ) -> tuple[Sequence[Answer | None], StateT]:
        """Answer the cue of every row; a row without one keeps its state.

        `noise` is [slots, *noise_shape]. The first `lag` cues of a session have no answer.
        """
        ...

    def join(self, states: Sequence[StateT]) -> StateT:
        """One state with the rows of all, in their order."""
        ...

    def split(self, state: StateT) -> list[StateT]:
        """One state of a single row for each row, in their order."""
        ...

    def dump(self, state: StateT) -> bytes:
        """The bytes of a state of a single row, without its identity."""
        ...

    def load(self, data: bytes) -> StateT:
        """Read what `dump` wrote. Raises ValueError for anything else, also for another engine's."""
        ...


def perform(engine: Engine[StateT], row: StateT, cues: Iterable[Cue], seed: int) -> Iterator[Answer]:
    """Run one session to its last cue on a seated row; equal cues and seed give equal answers."""
    chance = np.random.default_rng(seed)
    for cue in cues:
        noise = chance.standard_normal((1, *engine.noise_shape), np.float32)
        (answer,), row = engine.step(row, (cue,), noise)
        if answer is not None:
            yield answer
