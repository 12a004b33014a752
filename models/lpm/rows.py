"""Sessions as rows: joining the states of several into one, splitting them again, keeping one as bytes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from models.lpm.model import LpmState
from models.nn.cache import KVCache

__all__ = ["dump_state", "join_states", "load_state", "split_state"]


def join_states(states: Sequence[LpmState]) -> LpmState:
    """One state with the rows of all, in their order."""
    columns = zip(*(state.cache for state in states), strict=True)
    return LpmState(KVCache(*(torch.cat(column) for column in columns)))


def split_state(state: LpmState) -> list[LpmState]:
    """One state of a single row for each row, in their order."""
    columns = (torch.split(tensor, 1) for tensor in state.cache)
    return [LpmState(KVCache(*row)) for row in zip(*columns, strict=True)]


def dump_state(state: LpmState) -> bytes:
    """The bytes of a state, exactly."""
    return save({name: tensor.contiguous() for name, tensor in state.cache._asdict().items()})


def load_state(data: bytes, like: LpmState) -> LpmState:
    """Read what `dump_state` wrote of a state shaped as `like`. Raises ValueError for anything else."""
    try:
        tensors = load(data)
        cache = KVCache(**tensors)
    except (SafetensorError, TypeError) as error:
        raise ValueError(f"not the state of an LPM: {error}") from error
    for name, tensor, expected in zip(KVCache._fields, cache, like.cache, strict=True):
        if tensor.shape != expected.shape or tensor.dtype != expected.dtype:
            found, wanted = (f"{t.dtype} {list(t.shape)}" for t in (tensor, expected))
            raise ValueError(f"the state of another LPM: its {name} are {found}, expected {wanted}")
    return LpmState(cache)
