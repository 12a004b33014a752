"""Identity bundles in the blob store: made once for every face of a character and every size."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

from services.encoding.domain import Subject
from services.encoding.faults import Fault
from services.encoding.workshop import Workshop
from services.kit.blobs import Blobs
from services.kit.errors import BlobMissing
from services.kit.messages import Identity

__all__ = ["Bundles"]

_CONTENT_TYPE: Final = "application/octet-stream"


class Bundles:
    """Makes bundles in `pool`; two who want the same one at the same time share the work."""

    def __init__(self, blobs: Blobs, workshop: Workshop, pool: Executor) -> None:
        self._blobs = blobs
        self._workshop = workshop
        self._pool = pool
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def make(self, subject: Subject, now: datetime) -> Identity:
        """Make a bundle, whether there was one or not.

        Raises Fault when the portrait cannot be used, Unavailable when the blob store does not answer.
        """
        bundle = await asyncio.get_running_loop().run_in_executor(
            self._pool,
            self._workshop.build_bundle,
            subject.engine,
            await self._portrait_of(subject),
            subject.size,
            subject.face,
        )
        await self._blobs.put(subject.bundle_uri, bundle.data, _CONTENT_TYPE)
        return Identity(
            tenant=subject.tenant,
            character_id=subject.character_id,
            size=subject.size,
            identity_uri=subject.bundle_uri,
            num_faces=bundle.num_faces,
            created_at=now,
        )

    async def ensure(self, subject: Subject, now: datetime) -> Identity | None:
        """Make a bundle if there is none; None when there was one. Raises as `make` does."""
        uri = subject.bundle_uri
        lock = self._locks.get(uri)
        if lock is None:
            lock = self._locks[uri] = asyncio.Lock()
        async with lock:
            if await self._blobs.info(uri) is not None:
                return None
            return await self.make(subject, now)

    async def _portrait_of(self, subject: Subject) -> bytes:
        try:
            return await self._blobs.get(subject.portrait_uri)
        except BlobMissing as error:
            raise Fault("portrait_missing", "portrait is not there any more") from error
