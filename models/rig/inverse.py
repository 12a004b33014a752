"""The rig's inverse: the 58 numbers of motion that best explain the landmarks of a face."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.motion import NUM_BLENDSHAPES, NUM_MOTION, POSE
from models.rig.arrays import F32
from models.rig.boxed import BoxedLeastSquares
from models.rig.geometry import fit_similarity, rotation_angles, rotation_matrix
from models.rig.landmarks import NUM_LANDMARKS
from models.rig.neutral import Neutral
from models.rig.observation import Observer
from models.rig.pose import HeadJoint
from models.rig.response import Response, response

_POSE_STEPS: Final = 3
_POSE_DEPTH: Final = 0.3  # weight of the landmarks' depth against their place in the picture
_POSE_NUDGE: Final = np.float32(1e-3)
_MAX_POSE: Final = 3.0  # radians or outer eye corner distances
# Landmarks that expression moves little: forehead, temples, nose, eye corners.
_STABLE: Final = [
    10, 338, 297, 332, 284, 251, 109, 67, 103, 54, 21, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 98, 327, 2, 94,
    19, 33, 133, 362, 263, 127, 356, 234, 454, 162, 389,
]  # fmt: skip


class HeadReader:
    """Fits the pose of one face and frees it of that pose, whatever its expression."""

    def __init__(self, rest: Neutral) -> None:
        self._joint = HeadJoint.of(rest)
        self._rest = rest
        self._points = (rest.scale * rest.points @ rest.rotation.T + rest.offset).astype(np.float32)
        self._source = self._points[_STABLE]
        self._weights = np.array([1, 1, _POSE_DEPTH], np.float32) / np.float32(self._joint.unit)

    def fit(self, points: F32) -> F32:
        """Pose float32 [6] of landmarks [478, 3] in pixels.

        A similarity fit of the landmarks that expression spares, refined by Gauss-Newton for perspective.
        """
        target = points[_STABLE]
        _, rotation, _ = fit_similarity(self._source, target)
        pose = np.array([*rotation_angles(rotation), 0, 0, 0], np.float32)
        for _ in range(_POSE_STEPS):
            now = self._turn(self._source, pose)
            slopes = np.empty((len(POSE), *now.shape), np.float32)
            for k in range(len(POSE)):
                nudged = pose.copy()
                nudged[k] += _POSE_NUDGE
                slopes[k] = (self._turn(self._source, nudged) - now) / _POSE_NUDGE
            rows = (_centred_depth(slopes) * self._weights).reshape(len(POSE), -1)
            missing = (_centred_depth(target - now) * self._weights).ravel()
            pose = np.clip(pose + np.linalg.solve(rows @ rows.T, rows @ missing), -_MAX_POSE, _MAX_POSE)
        return pose

    def undo(self, points: F32, pose: F32) -> F32:
        """The face [478, 3] in mean-face units that, posed so, gives points."""
        missing = _centred_depth(points - self._turn(self._points, pose))
        whole = rotation_matrix(float(pose[0]), float(pose[1]), float(pose[2])) @ self._rest.rotation
        frontal = self._rest.points + missing @ whole / np.float32(self._rest.scale)
        return np.asarray(frontal, np.float32)

    def _turn(self, points: F32, pose: F32) -> F32:
        motion = np.zeros(NUM_MOTION, np.float32)
        motion[NUM_BLENDSHAPES:] = pose
        return self._joint.turn(points, motion)


class MotionReader:
    """Reads motion frame by frame from one face's landmarks; begins each search at the last result."""

    def __init__(self, rest: Neutral, answers: Response | None = None) -> None:
        """rest: this face without expression, in the pixels and the pose that count as zero."""
        answers = response() if answers is None else answers
        self._head = HeadReader(rest)
        self._observer = Observer(rest.points)
        self._weigh = answers.weigh.astype(np.float64)
        self._sparsity = answers.sparsity.astype(np.float64)
        self._to_pose = answers.pose
        low = np.where(np.arange(NUM_MOTION) < NUM_BLENDSHAPES, 0.0, -_MAX_POSE)
        high = np.where(np.arange(NUM_MOTION) < NUM_BLENDSHAPES, 1.0, _MAX_POSE)
        self._problem = BoxedLeastSquares(answers.gram.astype(np.float64), low, high)
        self._motion = np.zeros(NUM_MOTION)

    def read(self, points: F32) -> F32:
        """Motion float32 [58] of landmarks float32 [478, 3] in the pixels of the rest face's video.

        Raises ValueError for another shape of points.
        """
        observed = self.observe(points)
        self._motion = self._problem.solve(self._weigh @ observed - self._sparsity, self._motion)
        motion = self._motion.astype(np.float32)
        motion[NUM_BLENDSHAPES:] = self._to_pose @ observed
        return motion

    def observe(self, points: F32) -> F32:
        """What is compared with the response: float32 [NUM_OBSERVED]."""
        if points.shape != (NUM_LANDMARKS, 3):
            raise ValueError(f"points have shape {points.shape}, expected ({NUM_LANDMARKS}, 3)")
        pose = self._head.fit(points)
        return self._observer.observe(self._head.undo(points, pose), pose)


def _centred_depth(offsets: F32) -> F32:
    """Offsets [..., V, 3] less their mean depth, which a tracker leaves undetermined."""
    centred = offsets.copy()
    centred[..., 2] -= offsets[..., 2].mean(-1, keepdims=True)
    return centred
