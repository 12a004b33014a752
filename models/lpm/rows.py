"""Sessions as rows: joining the states of several into one, splitting them again, keeping one as bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from models.lpm.model import LpmState
from models.lpm.online import OnlineState
from models.lpm.streaming import EitherState
from models.nn.cache import KVCache

__all__ = ["dump_state", "join_states", "load_state", "split_state"]

# The states of the LPMs: named tuples of caches, all of them with slots first.
StateT = TypeVar("StateT", LpmState, OnlineState, EitherState)


def join_states(states: Sequence[StateT]) -> StateT:
    """One state with the rows of all, in their order."""
    columns = zip(*(_tensors(state).items() for state in states), strict=True)
    return _state(states[0], {row[0][0]: torch.cat([tensor for _, tensor in row]) for row in columns})


def split_state(state: StateT) -> list[StateT]:
    """One state of a single row for each row, in their order."""
    named = _tensors(state)
    rows = zip(*(torch.split(tensor, 1) for tensor in named.values()), strict=True)
    return [_state(state, dict(zip(named, row, strict=True))) for row in rows]


def dump_state(state: EitherState) -> bytes:
    """The bytes of a state, exactly."""
    return save({name: tensor.contiguous() for name, tensor in _tensors(state).items()})


def load_state(data: bytes, like: StateT) -> StateT:
    """Read what `dump_state` wrote of a state shaped as `like`. Raises ValueError for anything else."""
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(f"not the state of an LPM: {error}") from error
    expected = _tensors(like)
    if tensors.keys() != expected.keys():
        raise ValueError(f"not the state of such an LPM: {sorted(tensors)}, expected {sorted(expected)}")
    for name, wanted in expected.items():
        if tensors[name].shape != wanted.shape or tensors[name].dtype != wanted.dtype:
            found, wish = (f"{t.dtype} {list(t.shape)}" for t in (tensors[name], wanted))
            raise ValueError(f"the state of another LPM: its {name} are {found}, expected {wish}")
    return _state(like, tensors)


def _tensors(state: EitherState) -> dict[str, Tensor]:
    """Every tensor of a state by its name, such as `cache.keys`."""
    caches: dict[str, KVCache] = state._asdict()
    return {
        f"{name}.{part}": tensor for name, cache in caches.items() for part, tensor in cache._asdict().items()
    }


def _state(like: StateT, named: Mapping[str, Tensor]) -> StateT:
    """Undo `_tensors`, for a state of the kind of `like`."""
    return type(like)(
        *(KVCache(*(named[f"{name}.{part}"] for part in KVCache._fields)) for name in like._fields)
    )
