"""Putting an upload where it belongs before its row exists, and away again when the row does not come."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from services.gateway.api.forms import Upload
from services.kit.blobs import Blobs
from services.kit.errors import Retryable

__all__ = ["stored"]


@asynccontextmanager
async def stored(blobs: Blobs, key: str, upload: Upload, media_type: str) -> AsyncIterator[None]:
    """Store the upload; a refusal inside of the context removes it again.

    The row is written inside, so that no row ever names a blob that is not there. Where the database did
    not answer, or nobody waited for it, the row may have been written: then the blob stays.
    """
    await blobs.put_file(key, upload.path, media_type)
    try:
        yield
    except (Retryable, CancelledError):
        raise
    except BaseException:
        with suppress(Retryable):
            await blobs.delete(key)
        raise
