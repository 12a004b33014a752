from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import SessionLost, Stale
from services.kit.ordering import InOrder


def _pass(order: InOrder[int], sequences: list[int]) -> list[int]:
    through: list[int] = []
    for sequence in sequences:
        try:
            through += order.push(sequence, sequence)
        except Stale:
            continue
    return through


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=8))
def test_whatever_the_order_and_the_repeats_each_comes_once_and_in_sequence(
    arrival: list[int], repeats: list[int]
) -> None:
    assert _pass(InOrder(), [*arrival, *repeats]) == list(range(8))


def test_what_lies_before_the_first_is_stale() -> None:
    with pytest.raises(Stale, match="expected 10"):
        InOrder[int](first=10).push(9, 9)


def test_a_held_sequence_that_comes_again_is_stale() -> None:
    order = InOrder[int]()
    order.push(3, 3)
    with pytest.raises(Stale):
        order.push(3, 3)


def test_a_gap_is_seen_until_it_closes() -> None:
    order = InOrder[int]()
    gaps = []
    for sequence in (1, 0):
        order.push(sequence, sequence)
        gaps.append(order.has_gap)
    assert gaps == [True, False]
    assert order.expected == 2


def test_a_session_is_lost_when_too_many_wait_for_one() -> None:
    order = InOrder[int](bound=2)
    order.push(1, 1)
    order.push(2, 2)
    with pytest.raises(SessionLost, match="sequence 0 is missing"):
        order.push(3, 3)
