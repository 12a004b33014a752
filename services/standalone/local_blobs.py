"""The blobs of the command: a folder in which nothing is copied, the user's files least of all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from services.kit.blobs import BlobInfo
from services.kit.errors import BlobMissing, Fatal, Unavailable
from services.kit.folder_blobs import FolderBlobs

__all__ = ["LocalBlobs"]

T = TypeVar("T")


class LocalBlobs:
    """`Blobs` in `folder`. A file that is stored or fetched is linked: it must not be changed afterwards.

    Waiting does not mend a disk that fails a command, so Unavailable becomes Fatal, about `place`.
    """

    def __init__(self, folder: Path, place: str) -> None:
        self._folder = folder
        self._place = place
        # Nothing outlives the command, so nothing has to be forced to the disk.
        self._files = FolderBlobs(folder, force=_leave)

    def lend(self, key: str, path: Path) -> None:
        """Make a file of the user a blob."""
        blob = self.path(key)
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.symlink_to(path.absolute())

    def path(self, key: str) -> Path:
        """Where a blob lies."""
        return self._folder / key

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        await self._at_once(self._files.put(key, data, content_type))

    async def put_stream(self, key: str, parts: AsyncIterable[bytes], content_type: str) -> int:
        return await self._at_once(self._files.put_stream(key, parts, content_type))

    async def put_file(self, key: str, path: Path, content_type: str) -> None:  # noqa: ARG002  a path tells
        await asyncio.to_thread(_link, path, self.path(key))

    async def get(self, key: str) -> bytes:
        return await self._at_once(self._files.get(key))

    async def get_file(self, key: str, path: Path) -> None:
        if await self.info(key) is None:
            raise BlobMissing(f"there is no blob {key}")
        await asyncio.to_thread(_point, path, self.path(key))

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for part in self._files.stream(key, start, end):
            yield part

    async def info(self, key: str) -> BlobInfo | None:
        return await self._at_once(self._files.info(key))

    async def delete(self, prefix: str) -> int:
        return await self._at_once(self._files.delete(prefix))

    async def _at_once(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        except Unavailable as error:
            cause = error.__cause__
            reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(error)
            raise Fatal(f"{self._place} cannot be completed: {reason.lower()}") from error


def _leave(_descriptor: int) -> None:
    """Let the system write when it likes."""


def _link(source: Path, blob: Path) -> None:
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.unlink(missing_ok=True)
    os.link(source, blob)


def _point(path: Path, blob: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(blob.absolute())
