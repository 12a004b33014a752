"""PostgreSQL: the server of the machine where it lets us in, else a cluster of our own."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg

from tests.servers.processes import LOOPBACK, ServerError, accepts, call, free_port, running

_OWNER: Final = "postgres"
_DEFAULT_PORT: Final = 5432
_TIMEOUT_S: Final = 60.0


@contextmanager
def open_postgres(folder: Path) -> Iterator[tuple[str, int]]:
    """Host and port of a server that takes the user postgres without a password."""
    if asyncio.run(_lets_us_in(_DEFAULT_PORT)):
        yield LOOPBACK, _DEFAULT_PORT
        return
    with open_own_postgres(folder) as address:
        yield address


@contextmanager
def open_own_postgres(folder: Path) -> Iterator[tuple[str, int]]:
    """A new cluster below `folder`, without care for power cuts; about 3 s."""
    programs = _programs()
    user = _OWNER if getpass.getuser() == "root" else None
    data = folder / "postgres"
    data.mkdir(mode=0o700)
    if user:
        # PostgreSQL refuses to run as root.
        call(["chown", user, data])
    call([programs / "initdb", "-D", data, "-U", _OWNER, "-A", "trust", "-E", "UTF8", "--no-sync"], user=user)
    port = free_port()
    settings = {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": "200",
    }
    command: list[str | Path] = [programs / "postgres", "-D", data, "-p", str(port)]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    up = lambda: asyncio.run(_lets_us_in(port))  # noqa: E731
    with running(command, folder / "postgres.log", up, user=user, death_signal="INT"):
        yield LOOPBACK, port


@contextmanager
def open_database(host: str, port: int) -> Iterator[str]:
    """The SQLAlchemy address of a new database, which is dropped in the end."""
    name = f"dramatis_test_{uuid4().hex[:12]}"
    asyncio.run(_execute(host, port, f'CREATE DATABASE "{name}"'))
    try:
        yield f"postgresql+asyncpg://{_OWNER}@{host}:{port}/{name}"
    finally:
        asyncio.run(_execute(host, port, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def _programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    on_path = [Path(folder) / "initdb" for folder in os.get_exec_path()]
    for program in (*found, *on_path):
        if program.exists():
            return program.resolve().parent
    raise ServerError(
        "initdb not found: apt-get install --no-install-recommends postgresql (scripts/setup-servers.sh does)"
    )


async def _lets_us_in(port: int) -> bool:
    if not accepts(port):
        return False
    try:
        await _execute(LOOPBACK, port, "SELECT 1")
    except (OSError, asyncpg.PostgresError):
        return False
    return True


async def _execute(host: str, port: int, statement: str) -> None:
    connection = await asyncpg.connect(
        host=host, port=port, user=_OWNER, database="postgres", timeout=_TIMEOUT_S
    )
    try:
        await connection.execute(statement, timeout=_TIMEOUT_S)
    finally:
        await connection.close()
