from __future__ import annotations

import pytest
import torch

from models.lpm.config import tiny
from models.lpm.model import Lpm, LpmState
from models.lpm.rows import dump_state, join_states, load_state, split_state
from tests.unit.models.lpm.drawing import draw_chunk


@pytest.fixture(scope="module")
def lpm() -> Lpm:
    torch.manual_seed(0)
    return Lpm(tiny()).eval().requires_grad_(requires_grad=False)


def _stepped(lpm: Lpm, steps: int, seed: int) -> LpmState:
    state = lpm.init_state(1)
    for n in range(steps):
        _, state = lpm.step(state, draw_chunk(lpm.config, 1, 100 * seed + n), torch.tensor([True]))
    return state


def _is_equal(one: LpmState, other: LpmState) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.cache, other.cache, strict=True))


def test_rows_that_were_joined_come_apart_unchanged(lpm: Lpm) -> None:
    rows = [_stepped(lpm, steps, steps) for steps in (0, 2, 5)]
    apart = split_state(join_states(rows))
    assert all(_is_equal(one, other) for one, other in zip(apart, rows, strict=True))


def test_a_state_that_was_kept_is_the_same_state(lpm: Lpm) -> None:
    state = split_state(join_states([_stepped(lpm, 3, 1), _stepped(lpm, 4, 2)]))[1]
    assert _is_equal(load_state(dump_state(state), lpm.init_state(1)), state)


def test_the_state_of_a_larger_model_is_refused(lpm: Lpm) -> None:
    with pytest.raises(ValueError, match=r"the state of another LPM: its cache\.keys are"):
        load_state(dump_state(lpm.init_state(2)), lpm.init_state(1))


def test_damaged_bytes_are_refused(lpm: Lpm) -> None:
    data = dump_state(lpm.init_state(1))
    with pytest.raises(ValueError, match="not the state of an LPM"):
        load_state(data[:-1], lpm.init_state(1))
