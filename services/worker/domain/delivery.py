"""When a webhook is sent again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

__all__ = ["DELAYS", "Answer", "Outcome", "Verdict", "judge", "parse_retry_after"]

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)

# The wait before the attempt of that number: at once, then over three days and a half.
DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)

_LARGEST_JITTER: Final = 0.1
_LONGEST_WAIT: Final = 24 * _HOUR
_GONE: Final = 410


class Outcome(Enum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    RETRY = "retry"
    EXHAUSTED = "exhausted"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the receiver said; `status` is None when it said nothing, and `error` tells why."""

    status: int | None
    retry_after: timedelta | None = None
    snippet: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of an attempt; `next_attempt_at` only with RETRY."""

    outcome: Outcome
    next_attempt_at: datetime | None = None


def judge(answer: Answer, num_attempts: int, now: datetime, jitter: float) -> Verdict:
    """Decide after attempt number `num_attempts` (from 1); `jitter` is uniform in [0, 1).

    A delay grows by up to a tenth, so that receivers that failed together are not asked together. A longer
    wait that the receiver asks for is granted, up to a day.
    """
    if answer.status is not None and 200 <= answer.status < 300:
        return Verdict(outcome=Outcome.DELIVERED)
    if answer.status == _GONE:
        return Verdict(outcome=Outcome.GONE)
    if num_attempts >= len(DELAYS):
        return Verdict(outcome=Outcome.EXHAUSTED)
    wait = DELAYS[num_attempts] * (1 + _LARGEST_JITTER * jitter)
    asked = min(answer.retry_after or timedelta(0), _LONGEST_WAIT)
    return Verdict(outcome=Outcome.RETRY, next_attempt_at=now + max(wait, asked))


def parse_retry_after(value: str, now: datetime) -> timedelta | None:
    """Read a Retry-After header: seconds or an HTTP date. None when it is neither, or lies in the past."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        # Nine digits are thirty years; more would overflow a timedelta.
        return timedelta(seconds=int(text[:9]))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment - now if moment > now else None
