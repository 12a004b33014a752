"""When something that makes no progress is begun again, and when it is given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

__all__ = ["Remedy", "pauses", "remedy_of"]

_MOST_DOUBLINGS: Final = 6


class Remedy(Enum):
    """What is done about a performance that is being made."""

    WAIT = "wait"
    RELEASE = "release"
    FAIL = "fail"


def remedy_of(
    progressed_at: datetime, num_attempts: int, now: datetime, stall_timeout: timedelta, max_attempts: int
) -> Remedy:
    """What to do about a performance released `num_attempts` times that last moved at `progressed_at`.

    The patience doubles with each attempt: it may be a crowd that slows it down, and repetitions feed one.
    """
    if now - progressed_at < stall_timeout * _doubled(num_attempts - 1):
        return Remedy.WAIT
    return Remedy.FAIL if num_attempts >= max_attempts else Remedy.RELEASE


def pauses(first_pause: timedelta) -> Iterator[timedelta]:
    """How long to wait for an answer after the first announcement, the second, and so on; the last holds on.

    The message may be lost, or its reader may only be slow: the pause doubles, so that a long outage leaves
    few repetitions behind.
    """
    for doublings in range(_MOST_DOUBLINGS + 1):
        yield first_pause * _doubled(doublings)


def _doubled(times: int) -> int:
    return 1 << min(max(times, 0), _MOST_DOUBLINGS)
