from __future__ import annotations

import numpy as np

from models.motion import INDEX, NUM_MOTION
from models.rig.blank import blank_rig
from models.rig.render import RigRenderer


def test_nobody_can_be_drawn_and_opens_their_mouth() -> None:
    renderer = RigRenderer(blank_rig(64))
    motion = np.zeros(NUM_MOTION, np.float32)
    closed = renderer.render(motion, 0.0)
    motion[INDEX["jawOpen"]] = 0.8
    assert closed.shape == (64, 64, 3)
    assert not np.array_equal(renderer.render(motion, 0.0), closed)
