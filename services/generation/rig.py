"""The decoder of motion space: a portrait's rig shows the motion."""

from __future__ import annotations

import numpy as np

from models.rig.render import RigRenderer
from models.rig.rig import Rig
from services.kit.contracts import CHUNK_FRAMES, FRAME_RATE_HZ, Chunk, Motion

__all__ = ["RigDecoder"]


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
