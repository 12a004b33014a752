from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from services.kit.blobs import Blobs
from services.kit.database.database import Database
from services.kit.database.tables import (
    BlobDeletion,
    Character,
    Clip,
    IdempotencyKey,
    Performance,
    PerformanceState,
    Row,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from services.kit.errors import Unavailable
from services.kit.folder_blobs import FolderBlobs
from services.kit.telemetry import Telemetry
from services.worker.metrics import Metrics
from services.worker.retention import Retention
from tests.webhooks.rows import NOW, HandClock, add, add_endpoint, character, performance, tell

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs", force=lambda _file: None)


@pytest.fixture
def retention(database: Database, blobs: FolderBlobs, clock: HandClock, telemetry: Telemetry) -> Retention:
    return _retention(database, blobs, clock, telemetry)


def _retention(database: Database, blobs: Blobs, clock: HandClock, telemetry: Telemetry) -> Retention:
    return Retention(database, blobs, clock, Metrics(telemetry), deleted_stay=DAY, events_stay=30 * DAY)


async def count(database: Database, table: type[Row]) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


def deletion(prefix: str = "ten_1/performances/per_1/") -> BlobDeletion:
    return BlobDeletion(tenant_id="ten_1", prefix=prefix, due_at=NOW + DAY, created_at=NOW)


async def test_blobs_go_when_they_are_due_and_nothing_else_goes(
    database: Database, blobs: FolderBlobs, retention: Retention, clock: HandClock
) -> None:
    for key in ("ten_1/performances/per_1/video.mp4", "ten_1/performances/per_10/video.mp4"):
        await blobs.put(key, b"x", "video/mp4")
    await add(database, deletion())
    await retention.run()
    early = await blobs.info("ten_1/performances/per_1/video.mp4")
    clock.pass_time(DAY)
    await retention.run()
    assert early is not None
    assert await blobs.info("ten_1/performances/per_1/video.mp4") is None
    assert await blobs.info("ten_1/performances/per_10/video.mp4") is not None
    assert await count(database, BlobDeletion) == 0


async def test_what_the_store_could_not_delete_is_deleted_later(
    database: Database, blobs: FolderBlobs, clock: HandClock, telemetry: Telemetry, retention: Retention
) -> None:
    class Away(FolderBlobs):
        async def delete(self, prefix: str) -> int:
            raise Unavailable("the store does not answer")

    away = _retention(database, Away(Path("/nowhere")), clock, Telemetry())
    await blobs.put("ten_1/performances/per_1/video.mp4", b"x", "video/mp4")
    await add(database, deletion())
    clock.pass_time(DAY)
    with pytest.raises(Unavailable):
        await away.run()
    await retention.run()
    assert await blobs.info("ten_1/performances/per_1/video.mp4") is None


async def test_rows_of_deleted_things_go_a_day_later_the_character_after_its_performances(
    database: Database, retention: Retention, clock: HandClock
) -> None:
    clip = Clip(
        tenant_id="ten_1",
        performance_id="per_1",
        epoch=0,
        sequence=0,
        uri="x",
        first_frame=0,
        num_frames=50,
        created_at=NOW,
    )
    await add(
        database,
        character(deleted_at=NOW),
        performance(state=PerformanceState.SUCCEEDED, deleted_at=NOW),
        clip,
        character("chr_2", deleted_at=NOW),
        performance("per_2", PerformanceState.SUCCEEDED, character_id="chr_2"),
        character("chr_3"),
    )
    clock.pass_time(DAY - timedelta(seconds=1))
    await retention.run()
    early = await count(database, Performance)
    clock.pass_time(timedelta(seconds=1))
    await retention.run()
    async with database.read() as session:
        performances = (await session.scalars(select(Performance.id))).all()
        characters = (await session.scalars(select(Character.id).order_by(Character.id))).all()
    assert early == 2
    assert (performances, characters) == (["per_2"], ["chr_2", "chr_3"])
    assert await count(database, Clip) == 0


async def test_events_go_with_their_deliveries_after_their_time(
    database: Database, retention: Retention, clock: HandClock
) -> None:
    await add_endpoint(database, "https://hooks.example.com/")
    await tell(database, NOW)
    await tell(database, NOW + 2 * DAY)
    clock.pass_time(31 * DAY)
    await retention.run()
    assert (await count(database, WebhookEvent), await count(database, WebhookDelivery)) == (1, 1)


async def test_idempotency_keys_go_when_they_expire(
    database: Database, retention: Retention, clock: HandClock
) -> None:
    def key(name: str, hours: int) -> IdempotencyKey:
        expires_at = NOW + timedelta(hours=hours)
        return IdempotencyKey(
            tenant_id="ten_1",
            key=name,
            digest="",
            lease_token="",
            lease_until=NOW,
            created_at=NOW,
            expires_at=expires_at,
        )

    await add(database, key("old", 24), key("young", 25))
    clock.pass_time(DAY)
    await retention.run()
    async with database.read() as session:
        assert (await session.scalars(select(IdempotencyKey.key))).all() == ["young"]


async def test_a_secret_that_was_replaced_is_forgotten_after_the_overlap(
    database: Database, retention: Retention, clock: HandClock
) -> None:
    await add_endpoint(database, "https://hooks.example.com/")
    async with database.begin() as session:
        row = await session.get_one(WebhookEndpoint, "whe_1")
        row.previous_secret, row.previous_secret_expires_at = "whsec_old", NOW + DAY
    clock.pass_time(DAY)
    await retention.run()
    async with database.read() as session:
        assert (await session.get_one(WebhookEndpoint, "whe_1")).previous_secret is None


async def test_one_replica_at_a_time_removes(
    database: Database, blobs: FolderBlobs, retention: Retention, clock: HandClock
) -> None:
    await add(database, deletion())
    clock.pass_time(DAY)
    async with database.exclusively("retention"):
        await retention.run()
    assert await count(database, BlobDeletion) == 1
