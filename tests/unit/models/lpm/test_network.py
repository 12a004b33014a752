"""The network's ways to run a chunk give the same numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.lpm.conditions import Memory
from models.lpm.config import tiny
from models.lpm.mixers import Past
from models.lpm.model import Lpm, inputs_of
from models.lpm.network import LpmNetwork
from models.motion import CHUNK_FRAMES, NUM_MOTION
from tests.unit.models.lpm.drawing import draw_chunk

SLOTS = 2


@pytest.fixture(scope="module")
def lpm() -> Lpm:
    torch.manual_seed(0)
    lpm = Lpm(tiny()).eval().requires_grad_(requires_grad=False)
    for parameter in lpm.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
    return lpm


@pytest.fixture
def read(lpm: Lpm) -> tuple[LpmNetwork, list[Memory], Past]:
    """A network with what it reads in the middle of two sessions."""
    state, active = lpm.init_state(SLOTS), torch.ones(SLOTS, dtype=torch.bool)
    for n in range(3):
        _, state = lpm.step(state, draw_chunk(lpm.config, SLOTS, n), active)
    conditions = lpm.network.encode(inputs_of(draw_chunk(lpm.config, SLOTS, 9)))
    return lpm.network, lpm.network.remember(conditions, CHUNK_FRAMES), lpm.network.recall(state.cache)


def some_motion() -> Tensor:
    return torch.randn(SLOTS, CHUNK_FRAMES, NUM_MOTION, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("level", [1.0, 0.3, 0.0])
def test_a_pace_known_beforehand_gives_the_estimate_of_its_level(
    read: tuple[LpmNetwork, list[Memory], Past], level: float
) -> None:
    network, memory, past = read
    pace = network.paces((0.7, level))[1]
    expected = network.chunk(some_motion(), torch.full((SLOTS, 1), level), memory, past)
    for found, wanted in zip(network.estimate(some_motion(), pace, memory, past), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_what_is_written_is_what_an_estimate_would_leave(
    read: tuple[LpmNetwork, list[Memory], Past],
) -> None:
    network, memory, past = read
    (pace,) = network.paces((0.0,))
    estimate = network.estimate(some_motion(), pace, memory, past)
    keys, values = network.write(some_motion(), pace, memory, past)
    assert torch.equal(keys, estimate.keys)
    assert torch.equal(values, estimate.values)
