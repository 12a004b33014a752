"""Sums of what a tenant used: settled days from the roll-up, later ones from the records themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.database.tables import Performance, PerformanceState, UsageDay, UsageRecord

__all__ = ["Sum", "by_month", "count_states", "sum_by_day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Seconds of video, and of how many performances."""

    video_s: float = 0.0
    performances: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(video_s=self.video_s + other.video_s, performances=self.performances + other.performances)


async def sum_by_day(session: AsyncSession, tenant: str, first: date) -> Mapping[date, Sum]:
    """The sums of the days from `first` on that have any, the newest first.

    The latest day of the roll-up may have grown since, so from there on the records are read.
    """
    settled_before = await session.scalar(select(func.max(UsageDay.day)))
    sums: defaultdict[date, Sum] = defaultdict(Sum)
    if settled_before is not None:
        days = await session.scalars(
            select(UsageDay).where(
                UsageDay.tenant_id == tenant, UsageDay.day >= first, UsageDay.day < settled_before
            )
        )
        for row in days:
            sums[row.day] = Sum(video_s=row.video_s, performances=row.performances)
    start = datetime.combine(max(first, settled_before or first), time.min, UTC)
    records = await session.execute(
        select(UsageRecord.created_at, UsageRecord.video_s).where(
            UsageRecord.tenant_id == tenant, UsageRecord.created_at >= start
        )
    )
    for created_at, video_s in records:
        sums[created_at.astimezone(UTC).date()] += Sum(video_s=video_s, performances=1)
    return dict(sorted(sums.items(), reverse=True))


def by_month(days: Mapping[date, Sum]) -> Mapping[str, Sum]:
    """The sums of months ("2026-11"), in the order of their days."""
    months: defaultdict[str, Sum] = defaultdict(Sum)
    for day, value in days.items():
        months[f"{day:%Y-%m}"] += value
    return months


async def count_states(session: AsyncSession, tenant: str) -> Mapping[PerformanceState, int]:
    """How many performances of a tenant wait and are being made."""
    found = await session.execute(
        select(Performance.state, func.count())
        .where(
            Performance.tenant_id == tenant,
            Performance.state.in_((PerformanceState.QUEUED, PerformanceState.PROCESSING)),
        )
        .group_by(Performance.state)
    )
    counts: defaultdict[PerformanceState, int] = defaultdict(int)
    for state, number in found:
        counts[state] = number
    return counts
