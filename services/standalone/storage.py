"""The folder of a platform in one process: its database, its blobs, and who owns it."""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.kit.blobs import Blobs
from services.kit.clock import Clock
from services.kit.database import schema
from services.kit.database.accounts import ApiKeys, Tenants
from services.kit.database.database import Database, open_database
from services.kit.errors import Fatal
from services.kit.folder_blobs import open_folder_blobs
from services.kit.ids import new_id
from services.kit.keys import issue

__all__ = ["DATABASE_FILE", "Storage", "open_storage"]

DATABASE_FILE: Final = "dramatis.db"
_TENANT: Final = "default"
_EVERYTHING: Final = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What lies in the folder; `first_key` is there when the folder is new."""

    database: Database
    blobs: Blobs
    workspace: Path
    first_key: str | None


@asynccontextmanager
async def open_storage(folder: Path, clock: Clock) -> AsyncIterator[Storage]:
    """Open a folder, or make it, with the tables of this release.

    Raises Fatal when it cannot be written, or another process has it open.
    """
    with _owned(folder):
        url = f"sqlite:///{(folder / DATABASE_FILE).absolute()}"
        await schema.upgrade(url)
        async with open_database(url) as database, open_folder_blobs(folder / "blobs") as blobs:
            yield Storage(
                database=database,
                blobs=blobs,
                workspace=_empty(folder / "workspace"),
                first_key=await _first_key(database, clock),
            )


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """Hold the folder until the end; the system lets go of it whatever end the process takes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise Fatal(
            f"data folder {folder} cannot be used: {(error.strerror or str(error)).lower()}"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Fatal(f"data folder {folder} is in use by another dramatis serve") from error
        yield


def _empty(folder: Path) -> Path:
    """The folder without what a process that was killed left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


async def _first_key(database: Database, clock: Clock) -> str | None:
    """A key for everything, when there is no tenant yet."""
    now = clock.now()
    async with database.begin() as session:
        if await Tenants(session).all():
            return None
        tenant = await Tenants(session).find_or_add(_TENANT, now, secrets.token_bytes)
        key_id = new_id("key", now, secrets.token_bytes)
        issued = issue(key_id, secrets.token_bytes)
        ApiKeys(session, tenant.id).add(
            key_id=key_id,
            secret_hash=issued.secret_hash,
            name="first key",
            scopes=_EVERYTHING,
            expires_at=None,
            now=now,
        )
        return issued.token
