"""The protocol that every streaming model meets."""

from __future__ import annotations

from typing import Protocol, TypeVar

from torch import Tensor

StateT = TypeVar("StateT")
InT = TypeVar("InT", contravariant=True)
OutT = TypeVar("OutT", covariant=True)


class StreamingModel(Protocol[StateT, InT, OutT]):
    """A model whose sessions are the rows ("slots") of one caller-owned, batched state.

    `rows` and `active` are boolean [slots]. Both `reset` and `step` consume the state they are
    given: the caller keeps only the returned one.
    """

    def init_state(self, slots: int) -> StateT:
        """Return the state of `slots` fresh sessions."""
        ...

    def reset(self, state: StateT, rows: Tensor) -> StateT:
        """Make the marked rows fresh, and leave the others as they are."""
        ...

    def step(self, state: StateT, chunk: InT, active: Tensor) -> tuple[OutT, StateT]:
        """Advance the active rows by one chunk; the others keep their state, their output is void."""
        ...
