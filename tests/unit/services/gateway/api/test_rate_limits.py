"""Token buckets by key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.gateway.api.rate_limits import RateLimits
from services.gateway.problems import RATE_LIMITED, Problem


class Hand:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


def test_an_empty_bucket_says_how_long_to_wait() -> None:
    rates = RateLimits(Hand())
    for _ in range(30):
        rates.take("key", 30)

    with pytest.raises(Problem) as caught:
        rates.take("key", 30)

    assert caught.value.kind is RATE_LIMITED
    assert caught.value.headers["Retry-After"] == "2"


def test_a_bucket_fills_evenly() -> None:
    clock = Hand()
    rates = RateLimits(clock)
    for _ in range(30):
        rates.take("key", 30)
    clock.seconds = 4.0

    headers = rates.take("key", 30)

    assert headers == {"RateLimit-Limit": "30", "RateLimit-Remaining": "1", "RateLimit-Reset": "58"}


def test_one_key_does_not_use_up_the_tokens_of_another() -> None:
    rates = RateLimits(Hand())
    rates.take("one", 1)

    assert rates.take("other", 1)["RateLimit-Remaining"] == "0"
