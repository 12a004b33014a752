"""What the bench of several processes counts as the largest difference."""

from __future__ import annotations

import pytest
import torch

from tests.bench.fantasytalking_sharded import largest_gradient_difference

EXPECTED = {"gradient a": torch.tensor([2.0, 4.0]), "velocity": torch.zeros(1)}


def test_the_worst_process_counts() -> None:
    results = {("two", 0): dict(EXPECTED), ("two", 1): {"gradient a": torch.tensor([2.0, 3.0])}}

    assert largest_gradient_difference(results, "two", EXPECTED) == pytest.approx(0.25)


def test_a_gradient_that_is_not_there_is_wholly_off() -> None:
    results = {("two", 0): dict(EXPECTED), ("two", 1): {"velocity": torch.zeros(1)}}

    assert largest_gradient_difference(results, "two", EXPECTED) == 1
