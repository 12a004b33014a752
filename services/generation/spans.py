"""The finished spans of a film, which it can be gone on with after a crash."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.generation.domain import Place
from services.generation.kept import HANDED_ON, SHOWN, SPAN_KINDS, prefix_of
from services.generation.offline import Span
from services.kit.blobs import Blobs
from services.kit.errors import BlobMissing

__all__ = ["Spans"]

_CONTENT_TYPE: Final = "application/octet-stream"


class Spans:
    """What was kept of the film with this `mark`, in this attempt at it or in an earlier one.

    What an earlier attempt kept is removed some time after its end, and this one may last longer: whatever
    is read is kept here as well. Spans are numbered from 1 on. Every method raises Unavailable when the
    store does not answer.
    """

    def __init__(self, blobs: Blobs, place: Place, mark: str) -> None:
        self._blobs = blobs
        self._place = place
        self._mark = mark

    async def put(self, number: int, span: Span) -> None:
        """Keep a span; what the one before handed on goes, for it is large and serves nobody any more."""
        await self._blobs.put(self._key(SHOWN, number), span.shown, _CONTENT_TYPE)
        await self._blobs.put(self._key(HANDED_ON, number), span.handed_on, _CONTENT_TYPE)
        await self._blobs.delete(self._key(HANDED_ON, number - 1))

    async def count(self) -> int:
        """After how many spans the film can be gone on with: all are there, and the last one whole."""
        count = 0
        while await self._find(SHOWN, count + 1) is not None:
            count += 1
        while count and await self._find(HANDED_ON, count) is None:
            count -= 1
        return count

    async def get_shown(self, number: int) -> bytes:
        """What a span shows. Raises BlobMissing when it is gone."""
        return await self._get(SHOWN, number)

    async def get(self, number: int) -> Span:
        """The latest span that is kept whole. Raises BlobMissing when it is gone."""
        return Span(shown=await self._get(SHOWN, number), handed_on=await self._get(HANDED_ON, number))

    async def discard(self) -> None:
        """Keep none of them any more, of whichever attempt."""
        for epoch in range(self._place.epoch + 1):
            for kind in SPAN_KINDS:
                await self._blobs.delete(f"{prefix_of(replace(self._place, epoch=epoch))}{kind}{self._mark}")

    async def _get(self, kind: str, number: int) -> bytes:
        key = await self._find(kind, number)
        if key is None:
            raise BlobMissing(f"span {number} is gone")
        kept = await self._blobs.get(key)
        ours = self._key(kind, number)
        if key != ours:
            await self._blobs.put(ours, kept, _CONTENT_TYPE)
        return kept

    async def _find(self, kind: str, number: int) -> str | None:
        """The key in the latest attempt that has it."""
        for epoch in range(self._place.epoch, -1, -1):
            key = self._key(kind, number, epoch)
            if await self._blobs.info(key) is not None:
                return key
        return None

    def _key(self, kind: str, number: int, epoch: int | None = None) -> str:
        place = self._place if epoch is None else replace(self._place, epoch=epoch)
        return f"{prefix_of(place)}{kind}{self._mark}-{number:06d}"
