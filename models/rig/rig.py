"""Preparing a portrait: from a picture to everything needed to draw it moving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.rig.arrays import F32, U8
from models.rig.backdrop import fill_backdrop, foreground
from models.rig.eyes import Eye, build_eye
from models.rig.framing import frame_portrait
from models.rig.landmarks import Face, largest_face
from models.rig.matte import person_matte
from models.rig.mouth import Mouth, build_mouth
from models.rig.neutral import Neutral, to_neutral
from models.rig.pose import HeadJoint
from models.rig.skin import Skin, build_skin
from models.rig.wide_eyes import widen_eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A portrait that can be drawn with any motion frame.

    texture: RGBA uint8 [S, S, 4], the person with their matte. picture: opaque RGBA uint8 [S, S, 4].
    backdrop: RGB uint8 [S, S, 3]. points: float32 [478, 3], the landmarks in the frame's pixels.
    """

    texture: U8
    picture: U8
    backdrop: U8
    points: F32
    neutral: Neutral
    joint: HeadJoint
    skin: Skin
    eyes: tuple[Eye, Eye]
    mouth: Mouth

    @property
    def size(self) -> int:
        """Side of the frame in pixels."""
        return int(self.backdrop.shape[0])


def prepare_rig(portrait: U8, size: int, face: Face | None = None) -> Rig:
    """Make a rig of an RGB portrait uint8 [H, W, 3], drawn at size x size pixels.

    face is one of find_faces(portrait), the largest if None. Raises NoFaceError if there is none.
    """
    chosen = largest_face(portrait) if face is None else face
    picture, seen = frame_portrait(portrait, chosen, size)
    points = widen_eyes(picture, seen)
    neutral = to_neutral(points)
    skin = build_skin(points, neutral, size)
    matte = person_matte(picture, points)
    backdrop = fill_backdrop(picture, matte)
    opaque = np.dstack([picture, np.full((size, size), 255, np.uint8)])
    return Rig(
        texture=np.dstack([foreground(picture, matte, backdrop), matte]),
        picture=opaque,
        backdrop=backdrop,
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
