"""`dramatis keys`: giving tenants access to the HTTP interface, and taking it away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from services.kit.errors import BadInput
from services.standalone.database import database_option

if TYPE_CHECKING:
    from services.kit.database.accounts import Tenants
    from services.kit.database.database import Database
    from services.kit.database.tables import ApiKey, Tenant

__all__ = ["keys"]


@click.group()
def keys() -> None:
    """Give tenants access, and take it away."""


@keys.command()
@database_option
@click.option("--tenant", required=True, metavar="NAME", help="Whose key; a new name makes a new tenant.")
@click.option("--name", default="", help="What the key is for.")
@click.option(
    "--scope", "scopes", multiple=True, default=("*",), show_default=True, help="What it permits; repeat."
)
@click.option("--expires-in-days", type=click.FloatRange(min=0, min_open=True), help="[default: never]")
def create(url: str, tenant: str, name: str, scopes: tuple[str, ...], expires_in_days: float | None) -> None:
    """Print a new key, which is not shown again."""
    from services.kit.keys import SCOPES  # loads argon2, only for this command

    unknown = set(scopes) - SCOPES
    if unknown:
        raise BadInput(
            f"{', '.join(sorted(unknown))} is no scope, expected some of {', '.join(sorted(SCOPES))}"
        )
    asyncio.run(_create(url, tenant, name, scopes, expires_in_days, datetime.now(UTC)))


@keys.command(name="list")
@database_option
@click.option("--tenant", metavar="NAME", help="Only this tenant's.")
def list_(url: str, tenant: str | None) -> None:
    """Print every key: id, tenant, state, scopes, name."""
    asyncio.run(_list(url, tenant, datetime.now(UTC)))


@keys.command()
@database_option
@click.option("--tenant", required=True, metavar="NAME", help="Whose key it is.")
@click.argument("key_id")
def revoke(url: str, tenant: str, key_id: str) -> None:
    """End a key from this moment on."""
    asyncio.run(_revoke(url, tenant, key_id, datetime.now(UTC)))


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    from services.kit.database import schema
    from services.kit.database.database import open_database

    await schema.ensure(url)
    async with open_database(url) as database:
        yield database


async def _create(
    url: str, name: str, key_name: str, scopes: tuple[str, ...], expires_in_days: float | None, now: datetime
) -> None:
    from services.kit.database.accounts import ApiKeys, Tenants
    from services.kit.ids import new_id
    from services.kit.keys import issue

    key_id = new_id("key", now, secrets.token_bytes)
    issued = issue(key_id, secrets.token_bytes)
    async with _opened(url) as database, database.begin() as session:
        tenant = await Tenants(session).find_or_add(name, now, secrets.token_bytes)
        ApiKeys(session, tenant.id).add(
            key_id=key_id,
            secret_hash=issued.secret_hash,
            name=key_name,
            scopes=scopes,
            expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
            now=now,
        )
    # The key alone on the standard output, for scripts.
    click.echo(f"key {key_id} of tenant {name} ({tenant.id}); it is not shown again:", err=True)
    click.echo(issued.token)


async def _list(url: str, name: str | None, now: datetime) -> None:
    from services.kit.database.accounts import ApiKeys, Tenants

    async with _opened(url) as database, database.read() as session:
        found = await Tenants(session).all() if name is None else [await _tenant(Tenants(session), name)]
        for tenant in found:
            for key in await ApiKeys(session, tenant.id).all():
                scopes = ",".join(key.scopes)
                click.echo(f"{key.id}  {tenant.name}  {_state(key, now)}  {scopes}  {key.name}".rstrip())


async def _revoke(url: str, name: str, key_id: str, now: datetime) -> None:
    from services.kit.database.accounts import ApiKeys, Tenants

    async with _opened(url) as database, database.begin() as session:
        tenant = await _tenant(Tenants(session), name)
        if await ApiKeys(session, tenant.id).revoke(key_id, now) is None:
            raise BadInput(f"tenant {name} has no key {key_id}")
    click.echo(f"{key_id} is revoked", err=True)


async def _tenant(tenants: Tenants, name: str) -> Tenant:
    tenant = await tenants.find(name)
    if tenant is None:
        raise BadInput(f"there is no tenant {name}")
    return tenant


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "valid"
    return "expired" if key.expires_at <= now else f"valid until {key.expires_at:%Y-%m-%d}"
