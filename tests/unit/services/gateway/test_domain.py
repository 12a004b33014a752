"""The rules of admission, quotas and states."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain import (
    CharacterState,
    Limits,
    PerformanceState,
    Quota,
    Refused,
    Release,
    Running,
    Turn,
    Waiting,
    admit,
    eta_s,
    move_character,
    move_performance,
)
from services.kit.errors import Stale


def waiting(*names: str) -> list[Waiting]:
    return [Waiting(performance_id=name, tenant=name[0]) for name in names]


def quota(concurrency: int = 2, video_s: float | None = None, used_s: float = 0.0) -> Quota:
    return Quota(limits=Limits(concurrency=concurrency, video_s_per_month=video_s), used_s=used_s)


def released(turn: Turn) -> list[str]:
    return [each.performance_id for each in turn.released]


def test_a_tenant_at_its_limit_does_not_hold_up_the_others() -> None:
    turn = admit(
        waiting("a1", "a2", "a3", "b1"), [], {"a": quota(), "b": quota()}, capacity=8, max_duration_s=60.0
    )

    assert released(turn) == ["a1", "a2", "b1"]


def test_the_oldest_go_first_when_capacity_is_short() -> None:
    running = [Running(tenant="c", reserved_s=0.0)]

    turn = admit(waiting("b1", "a1"), running, {"a": quota(), "b": quota()}, capacity=2, max_duration_s=60.0)

    assert released(turn) == ["b1"]


def test_a_performance_may_only_become_as_long_as_the_quota_allows() -> None:
    turn = admit(waiting("a1"), [], {"a": quota(video_s=100.0, used_s=70.0)}, capacity=8, max_duration_s=60.0)

    assert turn.released == (Release(performance_id="a1", max_duration_s=30.0),)


def test_whoever_has_no_seconds_left_waits_for_reservations_to_shrink() -> None:
    running = [Running(tenant="a", reserved_s=30.0)]
    quotas = {"a": quota(video_s=100.0, used_s=70.0)}

    turn = admit(waiting("a1"), running, quotas, capacity=8, max_duration_s=60.0)

    assert turn == Turn(released=(), refused=())


def test_whoever_has_no_seconds_left_and_none_coming_back_is_refused() -> None:
    turn = admit(
        waiting("a1"), [], {"a": quota(video_s=100.0, used_s=100.0)}, capacity=8, max_duration_s=60.0
    )

    assert turn.refused == (Refused(performance_id="a1"),)


@given(
    st.lists(st.sampled_from("abc"), max_size=20),
    st.lists(st.sampled_from("abc"), max_size=6),
    st.integers(1, 6),
    st.integers(0, 8),
)
def test_no_limit_is_ever_exceeded(
    tenants: list[str], busy: list[str], concurrency: int, capacity: int
) -> None:
    queue = [Waiting(performance_id=f"{i}", tenant=tenant) for i, tenant in enumerate(tenants)]
    running = [Running(tenant=tenant, reserved_s=10.0) for tenant in busy]
    quotas = {tenant: quota(concurrency, video_s=55.0, used_s=5.0) for tenant in "abc"}

    turn = admit(queue, running, quotas, capacity=capacity, max_duration_s=20.0)

    tenant_of = {each.performance_id: each.tenant for each in queue}
    now = {
        tenant: [each for each in turn.released if tenant_of[each.performance_id] == tenant]
        for tenant in "abc"
    }
    assert not turn.released or len(busy) + len(turn.released) <= capacity
    for tenant, starts in now.items():
        assert not starts or busy.count(tenant) + len(starts) <= concurrency
        granted_s = sum(each.max_duration_s for each in starts)
        assert not starts or granted_s + 10.0 * busy.count(tenant) <= 50.0 + 1e-9


@pytest.mark.parametrize("state", [each for each in PerformanceState if each.is_final])
def test_nothing_moves_a_final_performance(state: PerformanceState) -> None:
    with pytest.raises(Stale):
        move_performance(state, PerformanceState.PROCESSING)


def test_a_character_is_prepared_only_after_it_was_approved() -> None:
    with pytest.raises(Stale):
        move_character(CharacterState.PENDING, CharacterState.READY)


def test_the_rest_takes_as_long_a_frame_as_the_frames_so_far() -> None:
    assert eta_s(50, 150, elapsed_s=4.0) == 8.0


def test_nothing_is_said_of_the_end_before_the_first_frame() -> None:
    assert eta_s(0, 150, elapsed_s=4.0) is None
