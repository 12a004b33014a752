from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.worker.domain.stall import Remedy, pauses, remedy_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_performance_that_moves_is_left_alone() -> None:
    assert remedy_of(NOW - timedelta(seconds=59), 1, NOW, MINUTE, 3) is Remedy.WAIT


def test_a_stalled_performance_is_released_again() -> None:
    assert remedy_of(NOW - MINUTE, 1, NOW, MINUTE, 3) is Remedy.RELEASE


def test_a_second_attempt_may_be_silent_for_twice_as_long() -> None:
    silences = (2 * MINUTE - timedelta(seconds=1), 2 * MINUTE)
    remedies = [remedy_of(NOW - silence, 2, NOW, MINUTE, 3) for silence in silences]
    assert remedies == [Remedy.WAIT, Remedy.RELEASE]


def test_a_performance_that_stalled_too_often_has_failed() -> None:
    assert remedy_of(NOW - 4 * MINUTE, 3, NOW, MINUTE, 3) is Remedy.FAIL


def test_the_pause_between_announcements_doubles_up_to_64_times() -> None:
    assert [pause // MINUTE for pause in pauses(MINUTE)] == [1, 2, 4, 8, 16, 32, 64]
