"""Faces as the portrait rig finds them: what it cannot find, it could not make speak either."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.kit.contracts import Pixels

__all__ = ["RigFaces"]


class RigFaces:
    """A `FaceFinder`; one picture at a time, because each search uses every core it gets."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def find(self, picture: Pixels) -> Sequence[float]:
        async with self._turn:
            return await asyncio.to_thread(_find, picture)


def _find(picture: Pixels) -> list[float]:
    from models.rig.landmarks import find_faces  # slow to import, and only needed here

    return [face.area**0.5 for face in find_faces(picture)]
