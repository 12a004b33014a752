"""Putting uploads where they belong before their row exists, and away again when the row does not come."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from services.gateway.api.forms import Upload
from services.kit.blobs import Blobs
from services.kit.errors import Retryable

__all__ = ["File", "stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An upload, and the key it is stored under."""

    key: str
    upload: Upload
    media_type: str


@asynccontextmanager
async def stored(blobs: Blobs, files: Iterable[File]) -> AsyncIterator[None]:
    """Store the files, all or none; a refusal inside of the context removes them again.

    The row is written inside, so that no row ever names a blob that is not there. Where the database did
    not answer, or nobody waited for it, the row may have been written: then the blobs stay.
    """
    keys: list[str] = []
    try:
        for file in files:
            await blobs.put_file(file.key, file.upload.path, file.media_type)
            keys.append(file.key)
    except BaseException:
        await _remove(blobs, keys)
        raise
    try:
        yield
    except (Retryable, CancelledError):
        raise
    except BaseException:
        await _remove(blobs, keys)
        raise


async def _remove(blobs: Blobs, keys: Iterable[str]) -> None:
    for key in keys:
        with suppress(Retryable):
            await blobs.delete(key)
