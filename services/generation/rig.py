"""The decoder of motion space: a portrait's rig shows the motion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np

from models.motion import NUM_MOTION
from models.rig.blank import blank_rig
from models.rig.bundle import load_rig
from models.rig.render import RigRenderer
from models.rig.rig import Rig
from services.kit.contracts import CHUNK_FRAMES, FRAME_RATE_HZ, Chunk, Motion

__all__ = ["RigDecoder", "RigRole", "read_rig", "warm_up"]

StateT = TypeVar("StateT")

_WARM_UP_SIZE: Final = 64


class RigDecoder:
    """A `Decoder` that renders motion on a portrait's rig."""

    def __init__(self, rig: Rig) -> None:
        self._renderer = RigRenderer(rig)

    def decode(self, motion: Motion) -> Chunk:
        first = motion.sequence * CHUNK_FRAMES
        frames = [
            self._renderer.render(frame, (first + index) / FRAME_RATE_HZ)
            for index, frame in enumerate(motion.frames)
        ]
        return Chunk(sequence=motion.sequence, frames=np.stack(frames))


class RigRole:
    """A `Role` of an engine that makes motion: the rows know nothing of who shows it."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def seat(self, row: StateT) -> StateT:
        return row

    def decoders(self, count: int) -> Sequence[RigDecoder]:
        return [RigDecoder(self._rig) for _ in range(count)]


def read_rig(bundle: bytes) -> RigRole:
    """The role of the identity in a bundle. Raises ValueError for no rig."""
    return RigRole(load_rig(bundle))


def warm_up() -> None:
    """Draw a picture of nobody: the inner loops are compiled with the first one."""
    rig = blank_rig(_WARM_UP_SIZE)
    motion = np.full(NUM_MOTION, 0.3, np.float32)
    RigDecoder(rig).decode(Motion(sequence=0, frames=motion[None]))
