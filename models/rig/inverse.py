"""The rig's inverse: the 58 numbers of motion that best explain the landmarks of a face."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.motion import NUM_BLENDSHAPES, NUM_MOTION
from models.rig import topology as t
from models.rig.arrays import F32
from models.rig.expression import Expression
from models.rig.geometry import rotation_matrix
from models.rig.landmarks import NUM_LANDMARKS
from models.rig.neutral import Neutral
from models.rig.pose import HeadJoint
from models.rig.sight import Sight

_ROUNDS: Final = 2  # of pose and expression in turn
_POSE_STEPS: Final = 3
_POSE_DEPTH: Final = 0.3  # weight of the landmarks' depth against their place in the picture
_POSE_DIFFERENCE: Final = np.float32(1e-3)
# Landmarks that expression moves little: forehead, temples, nose, eye corners.
_STABLE: Final = (
    10, 338, 297, 332, 284, 251, 109, 67, 103, 54, 21, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 98, 327, 2, 94,
    19, 33, 133, 362, 263, 127, 356, 234, 454, 162, 389,
)  # fmt: skip


class MotionReader:
    """Reads motion frame by frame from one face's landmarks; keeps the last frame as its first guess."""

    def __init__(self, rest: Neutral) -> None:
        """rest: this face without expression, in the pixels and the pose that count as zero."""
        self._rest = rest
        self._joint = HeadJoint.of(rest)
        self._base = (rest.scale * rest.points @ rest.rotation.T + rest.offset).astype(np.float32)
        self._expression = Expression(rest.points)
        self._sight = Sight(rest.points)
        self._motion = np.zeros(NUM_MOTION, np.float32)

    def read(self, points: F32) -> F32:
        """Motion float32 [58] of landmarks float32 [478, 3] in the pixels of the rest face's video.

        Raises ValueError for another shape of points.
        """
        if points.shape != (NUM_LANDMARKS, 3):
            raise ValueError(f"points have shape {points.shape}, expected ({NUM_LANDMARKS}, 3)")
        motion = self._motion.copy()
        for _ in range(_ROUNDS):
            shaped = self._shaped(motion)
            motion[NUM_BLENDSHAPES:] = self._fit_pose(shaped, points, motion)
            local = self._to_rest(shaped, points, motion)
            gaze = self._sight.read(local, motion)
            motion[:NUM_BLENDSHAPES] = self._expression.solve(local, gaze, motion[:NUM_BLENDSHAPES])
        self._motion = motion
        return motion.copy()

    def _shaped(self, motion: F32) -> F32:
        """The face [478, 3] in pixels with a motion's expression and no pose."""
        moved = self._base.copy()
        shape = self._expression.displace(motion[:NUM_BLENDSHAPES])
        moved[: t.NUM_VERTICES] += self._rest.scale * shape @ self._rest.rotation.T
        return moved

    def _fit_pose(self, shaped: F32, points: F32, motion: F32) -> F32:
        """Gauss-Newton on the six numbers of pose, over the stable landmarks."""
        source, target = shaped[list(_STABLE)], points[list(_STABLE)]
        weights = np.array([1, 1, _POSE_DEPTH], np.float32) / np.float32(self._joint.unit)
        guess = motion.copy()
        for _ in range(_POSE_STEPS):
            now = self._joint.turn(source, guess)
            slopes = np.empty((6, now.size), np.float32)
            for k in range(6):
                nudged = guess.copy()
                nudged[NUM_BLENDSHAPES + k] += _POSE_DIFFERENCE
                slopes[k] = ((self._joint.turn(source, nudged) - now) * weights).ravel() / _POSE_DIFFERENCE
            missing = _without_depth_offset((target - now) * weights)
            slopes = _without_depth_offset(slopes.reshape(6, -1, 3)).reshape(6, -1)
            step = np.linalg.lstsq(slopes.T, missing.ravel(), rcond=None)[0]
            guess[NUM_BLENDSHAPES:] += step
        return guess[NUM_BLENDSHAPES:]

    def _to_rest(self, shaped: F32, points: F32, motion: F32) -> F32:
        """The face [478, 3] in mean-face units that, posed by a motion, gives points."""
        missing = _without_depth_offset(points - self._joint.turn(shaped, motion))
        pitch, yaw, roll = (float(v) for v in motion[NUM_BLENDSHAPES : NUM_BLENDSHAPES + 3])
        whole = rotation_matrix(pitch, yaw, roll) @ self._rest.rotation
        unposed = (shaped - self._rest.offset) @ self._rest.rotation
        return ((unposed + missing @ whole) / np.float32(self._rest.scale)).astype(np.float32)


def _without_depth_offset(offsets: F32) -> F32:
    """Offsets [..., V, 3] less their mean depth, which a tracker leaves undetermined."""
    centred = offsets.copy()
    centred[..., 2] -= offsets[..., 2].mean(-1, keepdims=True)
    return centred
