"""The decoder of motion space: a portrait's rig shows the motion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from models.motion import NUM_MOTION
from models.rig.blank import blank_rig
from models.rig.bundle import load_rig
from models.rig.render import RigRenderer
from models.rig.rig import Rig
from services.kit.contracts import CHUNK_FRAMES, FRAME_RATE_HZ, Chunk, Motion

__all__ = ["RigDecoder", "read_rig", "warm_up"]

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


def read_rig(bundle: bytes) -> Callable[[], RigDecoder]:
    """What makes decoders for the identity in a bundle, one a session. Raises ValueError for no bundle."""
    return partial(RigDecoder, load_rig(bundle))


def warm_up() -> None:
    """Draw a picture of nobody: the inner loops are compiled with the first one."""
    rig = blank_rig(_WARM_UP_SIZE)
    motion = np.full(NUM_MOTION, 0.3, np.float32)
    RigDecoder(rig).decode(Motion(sequence=0, frames=motion[None]))
