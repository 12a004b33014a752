"""Joints of a body along a video, with MediaPipe's bundled pose network."""

from __future__ import annotations

from typing import Final, Self

import numpy as np

from models.rig.arrays import F32, U8
from models.rig.solutions import start_pose

NUM_JOINTS: Final = 33


class BodyTracker:
    """Follows one body along the frames of a video; use it as a context manager."""

    def __init__(self) -> None:
        self._pose = start_pose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._pose.close()

    def read(self, frame: U8) -> F32:
        """Return joints float32 [33, 3]: x and y in pixels of an RGB frame, and how likely each is seen.

        All are zero when no body is found. Joints may lie outside of the picture.
        """
        found = self._pose.process(frame).pose_landmarks
        if found is None:
            return np.zeros((NUM_JOINTS, 3), np.float32)
        joints = np.array([(joint.x, joint.y, joint.visibility) for joint in found.landmark], np.float32)
        return joints * np.array([frame.shape[1], frame.shape[0], 1], np.float32)
