"""Where sessions can be taken up again: snapshots under keys that are written once and never changed."""

from __future__ import annotations

from typing import Final

from services.generation.domain import Place, resume_points
from services.generation.kept import SPAN_KINDS, prefix_of
from services.generation.snapshot import Snapshot, read_snapshot, write_snapshot
from services.kit.blobs import Blobs
from services.kit.errors import BlobMissing, SessionLost
from services.kit.messages import CLIP_CHUNKS

__all__ = ["Snapshots"]

_CONTENT_TYPE: Final = "application/octet-stream"


class Snapshots:
    """The snapshots of all sessions. Every method raises Unavailable when the store does not answer.

    A process that has lost a session without knowing may still write: what it writes was there already,
    so it can take nobody back.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def put(self, place: Place, point: int, snapshot: Snapshot) -> None:
        """Keep a snapshot from which chunk `point` follows."""
        await self._blobs.put(_key_at(place, point), write_snapshot(snapshot), _CONTENT_TYPE)

    async def find(self, place: Place, seen: int, lag: int) -> Snapshot | None:
        """The latest snapshot of a session whose cue `seen` is the first to be read again; None without any.

        Its engine answers a cue at most `lag` cues later. Raises SessionLost when the snapshot is damaged.
        """
        latest = None
        for point, may_miss in resume_points(seen, CLIP_CHUNKS, lag):
            if await self._blobs.info(_key_at(place, point)) is not None:
                latest = point
            elif not may_miss:
                break
        return None if latest is None else await self._get(place, latest)

    async def _get(self, place: Place, point: int) -> Snapshot:
        try:
            return read_snapshot(await self._blobs.get(_key_at(place, point)))
        except (ValueError, BlobMissing) as error:
            raise SessionLost(f"the snapshot at {point} cannot be used: {error}") from error

    async def end(self, place: Place) -> None:
        """Note for whoever reads its cues again that the session is over."""
        await self._blobs.put(prefix_of(place) + "ended", b"ended\n", _CONTENT_TYPE)

    async def has_ended(self, place: Place) -> bool:
        """Whether `end` was called."""
        return await self._blobs.info(prefix_of(place) + "ended") is not None

    async def clear(self, place: Place) -> None:
        """Delete what an ended session no longer needs."""
        for kind in ("at-", *SPAN_KINDS):
            await self._blobs.delete(prefix_of(place) + kind)


def _key_at(place: Place, point: int) -> str:
    return f"{prefix_of(place)}at-{point:06d}"
