"""Which shares of a monthly quota a tenant has reached."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

__all__ = ["THRESHOLDS_PERCENT", "month_of", "reached_thresholds"]

THRESHOLDS_PERCENT: Final = (80, 100)


def reached_thresholds(used_s: float, quota_s: float | None, told: Collection[int]) -> tuple[int, ...]:
    """The thresholds that were reached and not told yet, the lowest first; None is no quota."""
    if quota_s is None or quota_s <= 0:
        return ()
    return tuple(
        percent for percent in THRESHOLDS_PERCENT if percent not in told and used_s * 100 >= percent * quota_s
    )


def month_of(moment: datetime) -> tuple[str, datetime, datetime]:
    """The month of a moment: its name (2026-11), its beginning, and the beginning of the next, in UTC."""
    start = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return f"{start:%Y-%m}", start, end
