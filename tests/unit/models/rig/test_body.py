from __future__ import annotations

import numpy as np

from models.rig.arrays import U8
from models.rig.body import BodyTracker
from models.rig.landmarks import largest_face

NOSE, LEFT_SHOULDER, RIGHT_SHOULDER = 0, 11, 12


def test_joints_lie_where_they_are_seen(portrait: U8) -> None:
    with BodyTracker() as tracker:
        joints = tracker.read(portrait)

    nose = largest_face(portrait).points[4, :2]
    assert np.abs(joints[NOSE, :2] - nose).max() < 0.05 * portrait.shape[0]
    assert joints[RIGHT_SHOULDER, 0] < nose[0] < joints[LEFT_SHOULDER, 0]
    assert joints[[LEFT_SHOULDER, RIGHT_SHOULDER], 1].min() > nose[1]
    assert joints[[NOSE, LEFT_SHOULDER, RIGHT_SHOULDER], 2].min() > 0.9


def test_where_there_is_no_body_no_joint_is_seen() -> None:
    with BodyTracker() as tracker:
        assert not tracker.read(np.zeros((96, 96, 3), np.uint8)).any()
