"""Summing up what tenants used, and telling them when a month's quota runs out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.clock import Clock
from services.kit.database.database import Database, serialise
from services.kit.database.events import THRESHOLD_TYPE, record_event
from services.kit.database.tables import Tenant, UsageDay, UsageNotice, UsageRecord
from services.worker.domain.quota import month_of, reached_thresholds

__all__ = ["Usage"]

# A worker that was away for years catches up in steps.
_MOST_DAYS: Final = 366
_DAY: Final = timedelta(days=1)


class Usage:
    """Sums of days, and notices of thresholds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Bring the sums up to now, then tell whoever has reached a threshold."""
        now = self._clock.now()
        async with self._database.begin() as session:
            await serialise(session, "usage")
            for day in await _open_days(session, now.astimezone(UTC).date()):
                await _sum_up(session, day)
        async with self._database.begin() as session:
            await serialise(session, "usage")
            await _tell_thresholds(session, now)


async def _open_days(session: AsyncSession, today: date) -> list[date]:
    """The days that may still have grown since they were summed up: from the one before the latest sum."""
    latest = await session.scalar(select(func.max(UsageDay.day)))
    first = latest - _DAY if latest is not None else await _first_day(session)
    return list(_days(first, today))[:_MOST_DAYS] if first is not None else []


async def _first_day(session: AsyncSession) -> date | None:
    first = await session.scalar(select(func.min(UsageRecord.created_at)))
    return None if first is None else first.astimezone(UTC).date()


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY


async def _sum_up(session: AsyncSession, day: date) -> None:
    start = datetime.combine(day, time.min, UTC)
    await session.execute(delete(UsageDay).where(UsageDay.day == day))
    await session.execute(
        insert(UsageDay).from_select(
            ["tenant_id", "day", "video_s", "performances"],
            select(
                UsageRecord.tenant_id,
                literal(day, UsageDay.day.type),
                func.sum(UsageRecord.video_s),
                func.count(),
            )
            .where(UsageRecord.created_at >= start, UsageRecord.created_at < start + _DAY)
            .group_by(UsageRecord.tenant_id),
        )
    )


async def _tell_thresholds(session: AsyncSession, now: datetime) -> None:
    month, start, end = month_of(now)
    rows = await session.execute(
        select(Tenant.id, Tenant.video_seconds_per_month, func.sum(UsageRecord.video_s))
        .join(UsageRecord, UsageRecord.tenant_id == Tenant.id)
        .where(
            Tenant.video_seconds_per_month.is_not(None),
            UsageRecord.created_at >= start,
            UsageRecord.created_at < end,
        )
        .group_by(Tenant.id, Tenant.video_seconds_per_month)
    )
    for tenant, quota_s, used_s in rows.all():
        told = await session.scalars(
            select(UsageNotice.percent).where(UsageNotice.tenant_id == tenant, UsageNotice.month == month)
        )
        for percent in reached_thresholds(used_s, quota_s, set(told)):
            session.add(UsageNotice(tenant_id=tenant, month=month, percent=percent, created_at=now))
            data = {
                "month": month,
                "percent": percent,
                "video_seconds": used_s,
                "video_seconds_per_month": quota_s,
            }
            await record_event(session, tenant, THRESHOLD_TYPE, data, now)
