"""Either streaming LPM behind one state, for whoever runs the weights that are given."""

from __future__ import annotations

from typing import Protocol, TypeAlias, TypeVar

from torch import Tensor

from models.lpm.config import LpmConfig
from models.lpm.model import Lpm, LpmChunk, LpmState
from models.lpm.online import OnlineLpm, OnlineState
from models.streaming.model import StreamingModel

__all__ = ["EitherLpm", "EitherState", "StreamingLpm"]

StateT = TypeVar("StateT")
EitherState: TypeAlias = LpmState | OnlineState


class StreamingLpm(StreamingModel[StateT, LpmChunk, Tensor], Protocol[StateT]):
    """Any LPM that performs chunk by chunk."""

    @property
    def config(self) -> LpmConfig:
        """What it is conditioned on, and how it is sampled."""
        ...


class EitherLpm:
    """A `StreamingLpm[EitherState]` around either LPM; a state of the other kind is refused."""

    def __init__(self, model: Lpm | OnlineLpm) -> None:
        self._model = model.eval()

    @property
    def config(self) -> LpmConfig:
        """What it is conditioned on, and how it is sampled."""
        return self._model.config

    def init_state(self, slots: int) -> EitherState:
        """Return the state of `slots` fresh sessions."""
        return self._model.init_state(slots)

    def reset(self, state: EitherState, rows: Tensor) -> EitherState:
        """Make the marked rows fresh. Raises ValueError for a state of the other kind."""
        model = self._model
        if isinstance(model, Lpm) and isinstance(state, LpmState):
            return model.reset(state, rows)
        if isinstance(model, OnlineLpm) and isinstance(state, OnlineState):
            return model.reset(state, rows)
        raise _mismatch(model, state)

    def step(self, state: EitherState, chunk: LpmChunk, active: Tensor) -> tuple[Tensor, EitherState]:
        """Make one chunk of motion [slots, 5, 58]. Raises ValueError for a state of the other kind."""
        model = self._model
        if isinstance(model, Lpm) and isinstance(state, LpmState):
            return model.step(state, chunk, active)
        if isinstance(model, OnlineLpm) and isinstance(state, OnlineState):
            return model.step(state, chunk, active)
        raise _mismatch(model, state)


def _mismatch(model: Lpm | OnlineLpm, state: EitherState) -> ValueError:
    expected = type(model.init_state(0)).__name__
    return ValueError(f"{type(model).__name__} goes on from {expected}, got {type(state).__name__}")
