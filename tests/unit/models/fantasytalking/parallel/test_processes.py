from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.unit.models.fantasytalking.parallel.world import SAMPLERS, WITH_GRADIENTS, WORLDS, Found, alone
from tests.unit.models.fantasytalking.parallel.worlds import Results, run_worlds


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What every process of every world found; they run once, for all tests."""
    return run_worlds(tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="module")
def expected() -> Found:
    return alone()


@pytest.mark.parametrize("what", ["velocity", "clip", "uneven"])
def test_processes_together_return_the_velocity_of_one(results: Results, expected: Found, what: str) -> None:
    for found in results.values():
        torch.testing.assert_close(found[what], expected[what], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", WITH_GRADIENTS)
def test_gradients_are_those_of_one_process(results: Results, expected: Found, name: str) -> None:
    gradients = {what for what in expected if what.startswith("gradient ")}
    for rank in range(WORLDS[name].world_size):
        found = results[name, rank]
        assert {what for what in found if what.startswith("gradient ")} == gradients
        assert max(_difference(found[what], expected[what]) for what in gradients) < 1e-3


@pytest.mark.parametrize("passes", SAMPLERS)
def test_groups_share_the_passes_of_guidance(results: Results, expected: Found, passes: str) -> None:
    ends = [results["grouped", rank][passes] for rank in range(WORLDS["grouped"].world_size)]

    torch.testing.assert_close(ends[0], expected[passes], atol=1e-5, rtol=0)
    assert all(torch.equal(end, ends[0]) for end in ends)


@pytest.mark.parametrize("name", ["sharded", "offloaded"])
def test_sharded_weights_are_in_each_place_once(results: Results, expected: Found, name: str) -> None:
    held = [int(results[name, rank]["held"]) for rank in range(2)]

    assert sum(held) == expected["held"]
    assert max(held) < 0.6 * int(expected["held"])


def _difference(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())
