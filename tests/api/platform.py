"""One API with two tenants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.gateway.api.app import create_app
from services.gateway.settings import ApiSettings, Settings
from services.kit.clock import Clock
from services.kit.database.database import Database, open_database
from services.kit.database.tables import ApiKey, Row, Tenant
from services.kit.folder_blobs import FolderBlobs
from services.kit.ids import new_id
from services.kit.keys import issue
from services.kit.settings import DatabaseSettings

__all__ = [
    "Platform",
    "SetClock",
    "add_tenant",
    "client_of",
    "open_platform",
    "sqlite_url",
]


class SetClock:
    """A clock that goes on by a millisecond at each look, and as far as it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def monotonic(self) -> float:
        return self.now().timestamp()

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The API, its stores, and a key for each of two tenants."""

    app: FastAPI
    settings: Settings
    database: Database
    blobs: FolderBlobs
    blob_folder: Path
    clock: SetClock
    ours: str
    theirs: str


def sqlite_url(folder: Path) -> str:
    """The address of a database in a folder."""
    return f"sqlite+aiosqlite:///{folder / 'dramatis.db'}"


@asynccontextmanager
async def open_platform(
    folder: Path, settings: Settings | None = None, url: str | None = None
) -> AsyncIterator[Platform]:
    """An API on a fresh database and a fresh folder."""
    settings = settings or Settings(
        api=ApiSettings(events_poll_s=0.02), database=DatabaseSettings(url=SecretStr(sqlite_url(folder)))
    )
    clock = SetClock()
    async with open_database(url or sqlite_url(folder), timeout_s=60.0) as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(Row.metadata.create_all)
        blobs = FolderBlobs(folder / "blobs", force=lambda _fd: None)
        app = create_app(
            settings,
            database=database,
            blobs=blobs,
            clock=clock,
            registry=CollectorRegistry(),
            is_ready=lambda: True,
        )
        yield Platform(
            app=app,
            settings=settings,
            database=database,
            blobs=blobs,
            blob_folder=folder / "blobs",
            clock=clock,
            ours=await add_tenant(database, clock, "ours"),
            theirs=await add_tenant(database, clock, "theirs"),
        )


async def add_tenant(
    database: Database,
    clock: Clock,
    name: str,
    *,
    scopes: Sequence[str] = ("*",),
    requests_per_minute: int | None = 100_000,
    video_seconds_per_month: float | None = None,
    storage_bytes: int | None = None,
    max_concurrency: int | None = None,
) -> str:
    """Add a tenant and return the token of its key."""
    now = clock.now()
    tenant, key_id = new_id("ten", now), new_id("key", now)
    key = issue(key_id)
    async with database.begin() as session:
        session.add(
            Tenant(
                id=tenant,
                name=name,
                created_at=now,
                requests_per_minute=requests_per_minute,
                video_seconds_per_month=video_seconds_per_month,
                storage_bytes=storage_bytes,
                max_concurrency=max_concurrency,
            )
        )
        await session.flush()
        session.add(
            ApiKey(
                id=key_id,
                tenant_id=tenant,
                name=name,
                secret_hash=key.secret_hash,
                scopes=list(scopes),
                created_at=now,
            )
        )
    return key.token


@asynccontextmanager
async def client_of(platform: Platform, token: str | None) -> AsyncIterator[httpx.AsyncClient]:
    """A client in this process, with a key or without."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(platform.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:
        yield client
