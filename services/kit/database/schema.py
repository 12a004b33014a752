"""Bringing the tables of a database to the form this release expects, or back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from services.kit.database.database import Database, open_database
from services.kit.database.engine import parse_url
from services.kit.database.outages import translated
from services.kit.errors import Fatal

__all__ = ["check_schema", "current", "downgrade", "ensure", "expected", "upgrade"]

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_TIMEOUT_S: Final = 600.0
# An arbitrary number that all releases share: one migration at a time.
_LOCK: Final = 0x6472616D


async def upgrade(url: str, revision: str = "head") -> None:
    """Go forward to a revision. Whoever comes second waits for the first, and finds nothing to do."""
    await _migrate(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str) -> None:
    """Go back to a revision; "base" removes every table with everything in it."""
    await _migrate(url, lambda config: command.downgrade(config, revision))


async def ensure(url: str) -> None:
    """Bring an embedded database to this release; of a server's, raise Fatal when it is not there.

    A server may be shared with an older release, so that only an operator says when it moves.
    """
    if parse_url(url).get_backend_name() == "sqlite":
        await upgrade(url)
        return
    async with open_database(url) as database:
        await check_schema(database)


async def current(url: str) -> str | None:
    """The revision a database is at, None for one without our tables."""
    async with open_database(url, timeout_s=_TIMEOUT_S) as database:
        return await _current(database)


def expected() -> str | None:
    """The revision this release expects."""
    return ScriptDirectory(str(_SCRIPTS)).get_current_head()


async def check_schema(database: Database) -> None:
    """Raise Fatal when the database is not at the revision this release expects."""
    found = await _current(database)
    if found != expected():
        raise Fatal(
            f"the database is at revision {found}, expected {expected()}: run `dramatis database upgrade`"
        )


async def _migrate(url: str, run: Callable[[Config], None]) -> None:
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    async with open_database(url, timeout_s=_TIMEOUT_S) as database:
        with translated():
            async with database.engine.begin() as connection:
                await connection.run_sync(_run_locked, run)


def _run_locked(connection: Connection, run: Callable[[Config], None]) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    run(config)


async def _current(database: Database) -> str | None:
    with translated():
        async with database.engine.connect() as connection:
            return await connection.run_sync(_revision)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
