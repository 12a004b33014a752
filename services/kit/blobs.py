"""The blob port: files under keys, whatever stores them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["BlobInfo", "Blobs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    """What is known of a stored blob."""

    size_bytes: int
    etag: str


class Blobs(Protocol):
    """Blobs by key. A key is relative, of segments separated by slashes; its first segment is the tenant.

    Every method raises Unavailable when the store does not answer, and ValueError for a key that is
    none. A blob appears whole or not at all; writing a key again replaces it.
    """

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store bytes."""
        ...

    async def put_stream(self, key: str, parts: AsyncIterable[bytes], content_type: str) -> int:
        """Store what `parts` yields, in bounded memory, and return its size in bytes.

        An exception of `parts` is raised on, and nothing is stored.
        """
        ...

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store a file."""
        ...

    async def get(self, key: str) -> bytes:
        """Return a blob. Raises BlobMissing when there is none."""
        ...

    async def get_file(self, key: str, path: Path) -> None:
        """Write a blob to a file. Raises BlobMissing when there is none."""
        ...

    def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` to before `end`. Raises BlobMissing when there is none."""
        ...

    async def info(self, key: str) -> BlobInfo | None:
        """Size and ETag of a blob, None when there is none."""
        ...

    async def delete(self, prefix: str) -> int:
        """Delete every blob whose key begins with `prefix`, and return how many there were."""
        ...
