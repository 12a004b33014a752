"""Head pose: turning and moving points about the neck, with a mild perspective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import NUM_BLENDSHAPES
from models.rig.arrays import F32
from models.rig.geometry import rotation_matrix
from models.rig.neutral import Neutral

_NECK: Final = np.array([0.0, 0.85, 0.75])  # the joint the head turns about, in mean-face units
_EYE_DISTANCE: Final = 12.0  # of the imagined camera, in outer eye corner distances


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadJoint:
    """Where a portrait's head turns.

    pivot: float32 [3] in pixels. unit: the distance between the outer eye corners in pixels.
    """

    pivot: F32
    unit: float

    @classmethod
    def of(cls, neutral: Neutral) -> HeadJoint:
        """Place the joint in the pixels that neutral was measured in."""
        pivot = neutral.scale * neutral.rotation @ _NECK + neutral.offset
        return cls(pivot=pivot.astype(np.float32), unit=neutral.scale)

    def turn(self, points: F32, motion: F32) -> F32:
        """Apply a motion frame's pose to points float32 [V, 3] in pixels; zero pose changes nothing."""
        pitch, yaw, roll, x, y, z = (float(v) for v in motion[NUM_BLENDSHAPES:])
        away = points - self.pivot
        turned = away @ rotation_matrix(pitch, yaw, roll).T + np.array([x, y, z], np.float32) * np.float32(
            self.unit
        )
        camera = np.float32(_EYE_DISTANCE * self.unit)
        nearer = (camera + away[:, 2:]) / (camera + turned[:, 2:])
        return np.asarray(np.hstack([turned[:, :2] * nearer, turned[:, 2:]]) + self.pivot, np.float32)
