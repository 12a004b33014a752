from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from services.kit.database.database import Database
from services.kit.database.tables import Tenant, UsageDay, UsageRecord, WebhookEvent
from services.worker.usage import Usage
from tests.webhooks.rows import HandClock, add, add_endpoint

pytestmark = pytest.mark.anyio


@pytest.fixture
def usage(database: Database, clock: HandClock) -> Usage:
    return Usage(database, clock)


def record(video_s: float, moment: datetime, tenant: str = "ten_1") -> UsageRecord:
    name = f"per_{tenant}_{moment.isoformat()}_{video_s}"
    return UsageRecord(performance_id=name, tenant_id=tenant, video_s=video_s, created_at=moment)


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


async def days(database: Database, tenant: str = "ten_1") -> dict[date, tuple[float, int]]:
    async with database.read() as session:
        rows = await session.scalars(select(UsageDay).where(UsageDay.tenant_id == tenant))
        return {row.day: (row.video_s, row.performances) for row in rows}


async def notices(database: Database) -> list[object]:
    async with database.read() as session:
        rows = await session.scalars(select(WebhookEvent.data).order_by(WebhookEvent.id))
        return [(row["month"], row["percent"]) for row in rows]


async def set_quota(database: Database, seconds: float) -> None:
    async with database.begin() as session:
        (await session.get_one(Tenant, "ten_1")).video_seconds_per_month = seconds


async def test_records_are_summed_by_day_and_tenant_and_a_day_may_grow(
    database: Database, usage: Usage
) -> None:
    await add(database, record(1.0, at(3)), record(2.0, at(3, 23)), record(4.0, at(21)))
    await add(database, record(99.0, at(21), "ten_2"))
    await usage.run()
    await add(database, record(8.0, at(21, 11)))
    await usage.run()
    assert await days(database) == {date(2026, 11, 3): (3.0, 2), date(2026, 11, 21): (12.0, 2)}
    assert await days(database, "ten_2") == {date(2026, 11, 21): (99.0, 1)}


async def test_a_worker_that_was_away_catches_up(database: Database, usage: Usage, clock: HandClock) -> None:
    await add(database, record(1.0, at(3)))
    clock.moment = at(3, 10)
    await usage.run()
    await add(database, record(2.0, at(3, 22)), record(4.0, at(10)))
    clock.moment = at(21)
    await usage.run()
    assert await days(database) == {date(2026, 11, 3): (3.0, 2), date(2026, 11, 10): (4.0, 1)}


async def test_each_threshold_of_a_month_is_told_once(
    database: Database, usage: Usage, clock: HandClock
) -> None:
    await add_endpoint(database, "https://hooks.example.com/")
    await set_quota(database, 100.0)
    for video_s in (79.0, 1.0, 10.0, 10.0, 50.0):
        clock.pass_time(timedelta(minutes=1))
        await add(database, record(video_s, clock.now()))
        await usage.run()
        await usage.run()
    assert await notices(database) == [("2026-11", 80), ("2026-11", 100)]


async def test_a_new_month_begins_from_nothing(database: Database, usage: Usage, clock: HandClock) -> None:
    await add_endpoint(database, "https://hooks.example.com/")
    await set_quota(database, 100.0)
    await add(database, record(90.0, clock.now()))
    await usage.run()
    clock.moment = datetime(2026, 12, 1, tzinfo=UTC)
    await usage.run()
    await add(database, record(85.0, clock.now()))
    await usage.run()
    assert await notices(database) == [("2026-11", 80), ("2026-12", 80)]


async def test_without_a_quota_nobody_is_told(database: Database, usage: Usage, clock: HandClock) -> None:
    await add_endpoint(database, "https://hooks.example.com/")
    await add(database, record(1e6, clock.now()))
    await usage.run()
    assert await notices(database) == []
