"""The jobs' statements on PostgreSQL; their rules are tested without it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from services.kit.database.database import Database
from services.kit.database.tables import (
    Character,
    CharacterState,
    IdempotencyKey,
    OutboxRow,
    Performance,
    PerformanceState,
    ScriptState,
    Tenant,
    UsageDay,
    UsageRecord,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from services.kit.folder_blobs import FolderBlobs
from services.kit.telemetry import Telemetry
from services.kit.topics import CHARACTERS, PERFORMANCES, SCRIPTS
from services.worker.metrics import Metrics
from services.worker.retention import Retention
from services.worker.settings import SweepSettings
from services.worker.sweeping import Sweep
from services.worker.usage import Usage
from tests.webhooks.rows import NOW, HandClock, add, add_endpoint, character, performance, tell

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def test_retention_removes_what_is_over(database: Database, tmp_path: Path) -> None:
    clock = HandClock()
    done = performance(state=PerformanceState.SUCCEEDED, deleted_at=NOW)
    await add(database, character(deleted_at=NOW), character("chr_2"), done)
    for name, hours in (("old", 24), ("young", 10_000)):
        key = IdempotencyKey(
            tenant_id="ten_1",
            key=name,
            digest="",
            lease_token="",
            lease_until=NOW,
            created_at=NOW,
            expires_at=NOW + timedelta(hours=hours),
        )
        await add(database, key)
    await add_endpoint(database, "https://hooks.example.com/")
    async with database.begin() as session:
        endpoint = await session.get_one(WebhookEndpoint, "whe_1")
        endpoint.previous_secret, endpoint.previous_secret_expires_at = "whsec_old", NOW + DAY
    await tell(database)
    clock.pass_time(31 * DAY)
    metrics = Metrics(Telemetry())
    blobs = FolderBlobs(tmp_path, force=lambda _file: None)
    await Retention(database, blobs, clock, metrics, deleted_stay=DAY, events_stay=30 * DAY).run()
    async with database.read() as session:
        left = [
            (await session.scalars(select(column))).all()
            for column in (
                Performance.id,
                Character.id,
                IdempotencyKey.key,
                WebhookEvent.id,
                WebhookDelivery.id,
                WebhookEndpoint.previous_secret,
            )
        ]
    assert left == [[], ["chr_2"], ["young"], [], [], [None]]


async def test_usage_is_summed_up_and_thresholds_are_told_once(database: Database) -> None:
    clock = HandClock()
    await add_endpoint(database, "https://hooks.example.com/")
    async with database.begin() as session:
        (await session.get_one(Tenant, "ten_1")).video_seconds_per_month = 100.0
    record = UsageRecord(performance_id="per_1", tenant_id="ten_1", video_s=85.0, created_at=NOW)
    await add(database, record)
    usage = Usage(database, clock)
    await usage.run()
    await usage.run()
    async with database.read() as session:
        [day] = (await session.scalars(select(UsageDay))).all()
        [event] = (await session.scalars(select(WebhookEvent))).all()
    assert (day.day, day.video_s, day.performances) == (NOW.date(), 85.0, 1)
    assert (event.type, event.data["percent"]) == ("usage.threshold", 80)


async def test_the_sweep_releases_and_announces(database: Database) -> None:
    clock = HandClock()
    undecided = performance("per_2", PerformanceState.QUEUED, script_state=ScriptState.PENDING)
    pending = character("chr_2", CharacterState.PENDING)
    await add(database, character(), pending, performance(), undecided)
    clock.pass_time(DAY)
    sweep = Sweep(database, clock, Metrics(Telemetry()), SweepSettings())
    await sweep.run()
    await sweep.run()
    async with database.read() as session:
        topics = (await session.scalars(select(OutboxRow.topic).order_by(OutboxRow.id))).all()
    assert topics == [PERFORMANCES.name, SCRIPTS.name, CHARACTERS.name]
