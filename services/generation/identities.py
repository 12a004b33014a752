"""The identities that sessions are drawn on: bundles from the blob store, the latest of them kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Generic, TypeVar

from services.generation.faults import Fault
from services.kit.blobs import Blobs
from services.kit.errors import BlobMissing

__all__ = ["Identities"]

IdentityT = TypeVar("IdentityT")


class Identities(Generic[IdentityT]):
    """Identities by the key of their bundle; `read` (in `pool`) raises ValueError for a damaged one."""

    def __init__(
        self, blobs: Blobs, pool: Executor, read: Callable[[bytes], IdentityT], capacity: int
    ) -> None:
        self._blobs = blobs
        self._pool = pool
        self._read = read
        self._capacity = capacity
        self._kept: OrderedDict[str, IdentityT] = OrderedDict()

    async def get(self, uri: str) -> IdentityT:
        """The identity in a bundle. Raises Fault when there is none, Unavailable as the blob store does."""
        if uri not in self._kept:
            self._kept[uri] = await self._load(uri)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
        self._kept.move_to_end(uri)
        return self._kept[uri]

    async def _load(self, uri: str) -> IdentityT:
        try:
            data = await self._blobs.get(uri)
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, data)
        except BlobMissing as error:
            raise Fault("identity_missing", "the character's identity is not there any more") from error
        except ValueError as error:
            raise Fault("identity_damaged", f"the character's identity cannot be read: {error}") from error
