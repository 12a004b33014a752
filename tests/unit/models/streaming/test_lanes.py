"""Lanes of a CPU: work is done when it is given, once."""

from __future__ import annotations

import pytest
import torch

from models.streaming.lanes import Here, lane_on


@pytest.mark.parametrize("begin", ["start", "follow"])
def test_a_lane_of_a_cpu_works_at_once_and_only_once(begin: str) -> None:
    numbers = iter(range(3))
    pending = getattr(Here(), begin)(lambda: next(numbers))
    assert next(numbers) == 1
    assert pending.wait() == pending.fetch() == 0
    assert next(numbers) == 2


def test_a_cpu_has_no_streams() -> None:
    assert isinstance(lane_on(torch.device("cpu")), Here)
