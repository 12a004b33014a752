"""What time it is: passed in, so that tests own it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Two readings of time."""

    def now(self) -> datetime:
        """The date and time, in UTC; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds from some moment; it never goes back."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
