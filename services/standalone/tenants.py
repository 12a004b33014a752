"""`dramatis tenants`: who uses the platform, and how much each may."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from services.kit.errors import BadInput
from services.standalone.database import database_option

if TYPE_CHECKING:
    from services.kit.database.tables import Tenant

__all__ = ["tenants"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """New limits; None changes nothing, below zero goes back to the platform's own."""

    video_seconds_per_month: float | None
    max_concurrency: int | None
    storage_bytes: int | None
    requests_per_minute: int | None


@click.group()
def tenants() -> None:
    """See who uses the platform, and set how much each may."""


@tenants.command(name="list")
@database_option
def list_(url: str) -> None:
    """Print every tenant with its limits; "-" is the platform's own."""
    asyncio.run(_list(url))


@tenants.command()
@database_option
@click.argument("name")
@click.option("--video-seconds", "video_seconds_per_month", type=float, help="Seconds of video per month.")
@click.option("--concurrency", "max_concurrency", type=int, help="Performances at the same time.")
@click.option("--storage-bytes", type=int, help="Bytes of pictures, recordings and videos.")
@click.option("--requests-per-minute", type=int, help="Requests of each key.")
def limit(
    url: str,
    name: str,
    video_seconds_per_month: float | None,
    max_concurrency: int | None,
    storage_bytes: int | None,
    requests_per_minute: int | None,
) -> None:
    """Set limits of the tenant NAME; -1 goes back to the platform's own."""
    limits = _Limits(
        video_seconds_per_month=video_seconds_per_month,
        max_concurrency=max_concurrency,
        storage_bytes=storage_bytes,
        requests_per_minute=requests_per_minute,
    )
    asyncio.run(_limit(url, name, limits))


async def _list(url: str) -> None:
    from services.kit.database import schema  # heavy, and only for these commands
    from services.kit.database.accounts import Tenants
    from services.kit.database.database import open_database

    await schema.ensure(url)
    async with open_database(url) as database, database.read() as session:
        for tenant in await Tenants(session).all():
            click.echo(_describe(tenant))


async def _limit(url: str, name: str, limits: _Limits) -> None:
    from services.kit.database import schema  # heavy, and only for these commands
    from services.kit.database.accounts import Tenants
    from services.kit.database.database import open_database

    await schema.ensure(url)
    async with open_database(url) as database, database.begin() as session:
        tenant = await Tenants(session).find(name)
        if tenant is None:
            raise BadInput(f"there is no tenant {name}")
        _apply(limits, tenant)
    click.echo(_describe(tenant))


def _apply(limits: _Limits, tenant: Tenant) -> None:
    if (seconds := limits.video_seconds_per_month) is not None:
        tenant.video_seconds_per_month = seconds if seconds >= 0 else None
    if (concurrency := limits.max_concurrency) is not None:
        tenant.max_concurrency = concurrency if concurrency >= 0 else None
    if (storage_bytes := limits.storage_bytes) is not None:
        tenant.storage_bytes = storage_bytes if storage_bytes >= 0 else None
    if (requests := limits.requests_per_minute) is not None:
        tenant.requests_per_minute = requests if requests >= 0 else None


def _describe(tenant: Tenant) -> str:
    limits = {
        "video_seconds_per_month": tenant.video_seconds_per_month,
        "max_concurrency": tenant.max_concurrency,
        "storage_bytes": tenant.storage_bytes,
        "requests_per_minute": tenant.requests_per_minute,
    }
    told = "  ".join(f"{name}={'-' if value is None else value}" for name, value in limits.items())
    return f"{tenant.id}  {tenant.name}  {told}"
