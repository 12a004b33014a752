"""Usage and limits over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest
from sqlalchemy import select

from services.gateway.api.usage.sums import Sum, by_month
from services.kit.database.tables import (
    Character,
    CharacterState,
    ConsentName,
    Performance,
    PerformanceState,
    Tenant,
    UsageDay,
    UsageRecord,
)
from tests.api.platform import Platform, add_tenant, client_of

pytestmark = pytest.mark.anyio


async def tenant_of(platform: Platform, name: str) -> str:
    async with platform.database.read() as session:
        found = await session.scalar(select(Tenant.id).where(Tenant.name == name))
    assert found is not None
    return found


async def use(platform: Platform, video_s: float, moment: datetime, name: str = "ours") -> None:
    async with platform.database.begin() as session:
        session.add(
            UsageRecord(
                performance_id=f"per_{name}_{moment.isoformat()}_{video_s}",
                tenant_id=await tenant_of(platform, name),
                video_s=video_s,
                created_at=moment,
            )
        )


async def add_performances(platform: Platform, name: str, *states: PerformanceState) -> None:
    now, tenant = platform.clock.now(), await tenant_of(platform, name)
    async with platform.database.begin() as session:
        session.add(
            Character(
                id="chr_1",
                tenant_id=tenant,
                state=CharacterState.READY,
                portrait_uri="x",
                portrait_media_type="image/jpeg",
                portrait_size_bytes=1000,
                consent_kind=ConsentName.SELF,
                consent_granted_by="Ada",
                consent_granted_at=now,
                created_at=now,
                updated_at=now,
            )
        )
        for number, state in enumerate(states):
            session.add(
                Performance(
                    id=f"per_{number}",
                    tenant_id=tenant,
                    character_id="chr_1",
                    state=state,
                    engine="lpm",
                    size=512,
                    seed=0,
                    source={"kind": "text", "text": "Hello"},
                    input_size_bytes=20,
                    video_size_bytes=300,
                    reserved_s=30.0 if state is PerformanceState.PROCESSING else 0.0,
                    created_at=now,
                    updated_at=now,
                )
            )


async def test_usage_is_summed_by_day_and_by_month(platform: Platform, client: httpx.AsyncClient) -> None:
    for video_s, day in ((1.5, 21), (2.0, 21), (4.0, 2)):
        await use(platform, video_s, datetime(2026, 11, day, 9, tzinfo=UTC))
    await use(platform, 8.0, datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
    await use(platform, 100.0, datetime(2026, 11, 21, 9, tzinfo=UTC), name="theirs")

    usage = (await client.get("/v1/usage")).json()

    assert usage["video_seconds_this_month"] == 7.5
    assert usage["days"] == [
        {"day": "2026-11-21", "video_seconds": 3.5, "performances": 2},
        {"day": "2026-11-02", "video_seconds": 4.0, "performances": 1},
        {"day": "2026-10-31", "video_seconds": 8.0, "performances": 1},
    ]
    assert usage["months"] == [
        {"month": "2026-11", "video_seconds": 7.5, "performances": 3},
        {"month": "2026-10", "video_seconds": 8.0, "performances": 1},
    ]


async def test_days_that_were_summed_up_are_not_counted_twice(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    tenant = await tenant_of(platform, "ours")
    await use(platform, 1.0, datetime(2026, 11, 19, 9, tzinfo=UTC))
    await use(platform, 2.0, datetime(2026, 11, 20, 9, tzinfo=UTC))
    await use(platform, 4.0, datetime(2026, 11, 21, 9, tzinfo=UTC))
    async with platform.database.begin() as session:
        for day, video_s in ((19, 1.0), (20, 0.5)):
            session.add(UsageDay(tenant_id=tenant, day=date(2026, 11, day), video_s=video_s, performances=1))
    days = (await client.get("/v1/usage", params={"days": 7})).json()["days"]
    assert [each["video_seconds"] for each in days] == [4.0, 2.0, 1.0]


async def test_only_as_many_days_as_asked_for_are_listed(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    for day in (19, 20, 21):
        await use(platform, 1.0, datetime(2026, 11, day, 9, tzinfo=UTC))
    usage = (await client.get("/v1/usage", params={"days": 2})).json()
    assert [each["day"] for each in usage["days"]] == ["2026-11-21", "2026-11-20"]
    assert usage["months"][0]["performances"] == 3


async def test_storage_and_what_runs_are_counted(platform: Platform, client: httpx.AsyncClient) -> None:
    states = (PerformanceState.PROCESSING, PerformanceState.QUEUED, PerformanceState.SUCCEEDED)
    await add_performances(platform, "ours", *states)
    usage = (await client.get("/v1/usage")).json()
    assert (usage["storage_bytes"], usage["processing"], usage["queued"]) == (1000 + 3 * 320, 1, 1)
    async with client_of(platform, platform.theirs) as stranger:
        theirs = (await stranger.get("/v1/usage")).json()
    assert (theirs["storage_bytes"], theirs["processing"], theirs["queued"]) == (0, 0, 0)


async def test_limits_tell_what_is_left(platform: Platform) -> None:
    token = await add_tenant(
        platform.database,
        platform.clock,
        "limited",
        video_seconds_per_month=100.0,
        storage_bytes=2000,
        max_concurrency=3,
        requests_per_minute=77,
    )
    await add_performances(platform, "limited", PerformanceState.PROCESSING, PerformanceState.QUEUED)
    await use(platform, 60.0, platform.clock.now(), name="limited")
    async with client_of(platform, token) as client:
        limits = (await client.get("/v1/limits")).json()
    assert limits["video_seconds_per_month"] == {"limit": 100.0, "used": 90.0, "left": 10.0}
    assert limits["processing"] == {"limit": 3, "used": 1, "left": 2}
    assert limits["queued"] == {"limit": 200, "used": 1, "left": 199}
    assert limits["storage_bytes"] == {"limit": 2000, "used": 1640, "left": 360}
    assert limits["requests_per_minute"] == 77


async def test_without_limits_of_its_own_a_tenant_has_the_platforms(client: httpx.AsyncClient) -> None:
    limits = (await client.get("/v1/limits")).json()
    assert limits["video_seconds_per_month"] == {"limit": None, "used": 0.0, "left": None}
    assert limits["processing"]["limit"] == 2
    assert limits["max_duration_s"] == 1800.0


async def test_unchanged_usage_is_not_sent_again(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/v1/usage")).headers["ETag"]
    assert (await client.get("/v1/usage", headers={"If-None-Match": etag})).status_code == 304


def test_months_are_sums_of_their_days() -> None:
    days = {
        date(2026, 12, 1): Sum(video_s=1.0, performances=1),
        date(2026, 11, 30): Sum(video_s=2.0, performances=2),
        date(2026, 11, 1): Sum(video_s=4.0, performances=4),
    }
    assert by_month(days) == {
        "2026-12": Sum(video_s=1.0, performances=1),
        "2026-11": Sum(video_s=6.0, performances=6),
    }
