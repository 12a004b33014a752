from __future__ import annotations

import pytest

from models.fantasytalking.parallel.config import Memory, ParallelConfig, divide


def test_every_group_of_guidance_has_a_whole_sequence() -> None:
    assert ParallelConfig(sequence=4, guidance=2).world_size == 8


def test_a_group_without_processes_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least one process each, got sequence 4, guidance 0"):
        ParallelConfig(sequence=4, guidance=0)


def test_weights_that_nobody_shares_are_not_sharded() -> None:
    with pytest.raises(ValueError, match="weights are sharded over the processes of a sequence"):
        ParallelConfig(sequence=1, guidance=2, memory=Memory.SHARDED)


def test_processes_are_divided_into_groups() -> None:
    expected = ParallelConfig(sequence=4, guidance=2, memory=Memory.SHARDED, device="cpu")

    assert divide(8, 2, Memory.SHARDED, "cpu") == expected
    with pytest.raises(ValueError, match="8 processes do not divide into 3 groups"):
        divide(8, 3, Memory.WHOLE, "cpu")
