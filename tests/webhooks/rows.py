"""Rows that the worker finds in the database."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

from services.kit.database.database import Database
from services.kit.database.events import record_event
from services.kit.database.tables import (
    Character,
    CharacterState,
    ConsentName,
    Performance,
    PerformanceState,
    Row,
    ScriptState,
    Tenant,
    WebhookEndpoint,
)

__all__ = [
    "NOW",
    "SECRET",
    "HandClock",
    "add",
    "add_endpoint",
    "character",
    "make_tables",
    "performance",
    "tell",
]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = "whsec_" + b64encode(b"s" * 24).decode()


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def pass_time(self, duration: timedelta) -> None:
        """Let time pass."""
        self.moment += duration


async def make_tables(database: Database, *tenants: str) -> None:
    """An empty database with some tenants."""
    async with database.engine.begin() as connection:
        await connection.run_sync(Row.metadata.create_all)
    await add(database, *(Tenant(id=tenant, name=tenant, created_at=NOW) for tenant in tenants))


async def add(database: Database, *rows: Row) -> None:
    """Add rows in one transaction."""
    async with database.begin() as session:
        session.add_all(rows)


async def add_endpoint(database: Database, url: str, name: str = "whe_1", tenant: str = "ten_1") -> None:
    """Add an endpoint that wants every event."""
    endpoint = WebhookEndpoint(
        id=name, tenant_id=tenant, url=url, event_types=[], secret=SECRET, created_at=NOW, updated_at=NOW
    )
    await add(database, endpoint)


async def tell(database: Database, now: datetime = NOW, tenant: str = "ten_1", number: int = 1) -> None:
    """Let something happen, a number of times."""
    async with database.begin() as session:
        for count in range(number):
            await record_event(session, tenant, "character.ready", {"id": f"chr_{count}"}, now)


def character(
    name: str = "chr_1",
    state: CharacterState = CharacterState.READY,
    *,
    announced_at: datetime | None = NOW,
    announcements: int = 1,
    deleted_at: datetime | None = None,
) -> Character:
    """A character of the first tenant."""
    return Character(
        id=name,
        tenant_id="ten_1",
        state=state,
        portrait_uri=f"ten_1/characters/{name}/portrait",
        portrait_media_type="image/jpeg",
        portrait_size_bytes=1000,
        consent_kind=ConsentName.SELF,
        consent_granted_by="Ada",
        consent_granted_at=NOW,
        announced_at=announced_at,
        announcements=announcements,
        created_at=NOW,
        updated_at=NOW,
        deleted_at=deleted_at,
    )


def performance(
    name: str = "per_1",
    state: PerformanceState = PerformanceState.PROCESSING,
    *,
    script_state: ScriptState = ScriptState.APPROVED,
    attempts: int = 1,
    progressed_at: datetime | None = NOW,
    deleted_at: datetime | None = None,
    character_id: str = "chr_1",
) -> Performance:
    """A performance of that character."""
    return Performance(
        id=name,
        tenant_id="ten_1",
        character_id=character_id,
        state=state,
        script_state=script_state,
        epoch=0,
        attempts=attempts,
        engine="lpm",
        size=512,
        seed=7,
        source={"kind": "text", "text": "Hello"},
        directions=[],
        max_duration_s=60.0,
        frames_done=100,
        announced_at=NOW,
        announcements=1,
        created_at=NOW,
        updated_at=NOW,
        progressed_at=progressed_at,
        deleted_at=deleted_at,
    )
