from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.worker.domain.delivery import DELAYS, Answer, Outcome, judge, parse_retry_after

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert judge(Answer(status=status), 1, NOW, 0.5).outcome is Outcome.DELIVERED


@pytest.mark.parametrize("status", [None, 100, 199, 301, 302, 400, 404, 429, 500, 503])
def test_any_other_answer_and_silence_are_tried_again(status: int | None) -> None:
    verdict = judge(Answer(status=status), 1, NOW, 0.0)
    assert (verdict.outcome, verdict.next_attempt_at) == (Outcome.RETRY, NOW + timedelta(seconds=5))


def test_gone_is_not_tried_again() -> None:
    assert judge(Answer(status=410), 1, NOW, 0.0).outcome is Outcome.GONE


def test_ten_attempts_span_more_than_three_days() -> None:
    moment, waits = NOW, []
    for attempt in range(1, 10):
        following = judge(Answer(status=500), attempt, moment, 0.0).next_attempt_at
        assert following is not None
        waits.append(following - moment)
        moment = following
    assert waits == list(DELAYS[1:])
    assert timedelta(days=3) < moment - NOW < timedelta(days=4)


def test_after_the_tenth_attempt_it_is_exhausted() -> None:
    assert judge(Answer(status=500), 10, NOW, 0.0).outcome is Outcome.EXHAUSTED


def test_jitter_lengthens_a_wait_by_less_than_a_tenth() -> None:
    verdict = judge(Answer(status=500), 2, NOW, 0.999)
    assert verdict.next_attempt_at is not None
    assert timedelta(minutes=5) < verdict.next_attempt_at - NOW < timedelta(minutes=5.5)


def test_a_longer_wait_that_the_receiver_asks_for_is_granted() -> None:
    verdict = judge(Answer(status=429, retry_after=timedelta(hours=1)), 1, NOW, 0.0)
    assert verdict.next_attempt_at == NOW + timedelta(hours=1)


def test_a_shorter_wait_that_the_receiver_asks_for_does_not_hasten() -> None:
    verdict = judge(Answer(status=503, retry_after=timedelta(seconds=1)), 2, NOW, 0.0)
    assert verdict.next_attempt_at == NOW + timedelta(minutes=5)


def test_nobody_can_put_a_delivery_off_for_more_than_a_day() -> None:
    verdict = judge(Answer(status=503, retry_after=timedelta(days=365)), 1, NOW, 0.0)
    assert verdict.next_attempt_at == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("9" * 400, timedelta(seconds=999_999_999)),
        ("Sat, 21 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 12:01:00 -0000", timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 11:00:00 GMT", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, expected: timedelta | None) -> None:
    assert parse_retry_after(value, NOW) == expected
