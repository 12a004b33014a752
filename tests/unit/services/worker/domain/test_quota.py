from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from services.worker.domain.quota import month_of, reached_thresholds


def test_a_threshold_is_reached_at_its_share() -> None:
    assert [reached_thresholds(used, 100.0, ()) for used in (79.9, 80.0, 99.9, 100.0)] == [
        (),
        (80,),
        (80,),
        (80, 100),
    ]


def test_a_told_threshold_is_not_told_again() -> None:
    assert reached_thresholds(120.0, 100.0, {80}) == (100,)


def test_without_a_quota_there_is_no_threshold() -> None:
    assert reached_thresholds(1e9, None, ()) == ()


def test_a_month_ends_where_the_next_begins() -> None:
    name, start, end = month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert (name, start, end) == (
        "2026-12",
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_months_are_counted_in_utc() -> None:
    new_year_in_tokyo = datetime(2027, 1, 1, 8, 0, tzinfo=timezone(timedelta(hours=9)))
    assert month_of(new_year_in_tokyo)[0] == "2026-12"
