"""A rig of nobody: the mean face in plain grey, made without looking for a face. For warming up."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.rig.eyes import build_eye
from models.rig.face import mean_face
from models.rig.mouth import build_mouth
from models.rig.neutral import to_neutral
from models.rig.pose import HeadJoint
from models.rig.rig import Rig
from models.rig.skin import build_skin

__all__ = ["blank_rig"]

_FACE_SHARE: Final = 0.2  # of the frame, between the outer eye corners
_GREY: Final = 128


def blank_rig(size: int) -> Rig:
    """The mean face in a frame of size x size pixels."""
    points = (mean_face().points * _FACE_SHARE * size).astype(np.float32)
    points[:, :2] += size / 2 - points[:, :2].mean(0)
    picture = np.full((size, size, 3), _GREY, np.uint8)
    opaque = np.dstack([picture, np.full((size, size), 255, np.uint8)])
    neutral = to_neutral(points)
    skin = build_skin(points, neutral, size)
    return Rig(
        texture=opaque,
        picture=opaque.copy(),
        backdrop=picture,
        points=points,
        neutral=neutral,
        joint=HeadJoint.of(neutral),
        skin=skin,
        eyes=(
            build_eye(picture, points, neutral, is_left=True),
            build_eye(picture, points, neutral, is_left=False),
        ),
        mouth=build_mouth(picture, points, neutral, skin.shapes),
    )
