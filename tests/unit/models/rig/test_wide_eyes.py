"""Lids follow the white of eyes that are drawn larger than life, and of no others."""

from __future__ import annotations

import cv2
import numpy as np

from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.face import mean_face
from models.rig.framing import frame_portrait
from models.rig.landmarks import largest_face
from models.rig.wide_eyes import widen_eyes

_SIZE = 512
_DRAWN = 1.3  # how much larger the drawn eye is than the landmarks' one


def drawn_face() -> tuple[U8, F32]:
    """Landmarks of the mean face, and a picture whose eyes are larger than these say."""
    points = mean_face().points * np.float32(220) + np.array([256, 200, 0], np.float32)
    picture = np.full((_SIZE, _SIZE, 3), 170, np.uint8)
    for lids in ((t.LEFT_UPPER_LID, t.LEFT_LOWER_LID), (t.RIGHT_UPPER_LID, t.RIGHT_LOWER_LID)):
        outline = points[[*lids[0], *lids[1][1:-1][::-1]], :2]
        grown = outline.mean(0) + _DRAWN * (outline - outline.mean(0))
        polygon = [np.round(grown).astype(np.int32)]
        cv2.fillPoly(picture, polygon, (240, 240, 240))
        cv2.polylines(picture, polygon, isClosed=True, color=(40, 30, 30), thickness=3)
    return picture, points


def height(points: F32) -> float:
    """The left eye's opening in its middle, in pixels."""
    return float(np.linalg.norm(points[t.LEFT_UPPER_LID[4]] - points[t.LEFT_LOWER_LID[4]]))


def test_lids_grow_to_where_the_white_ends() -> None:
    picture, points = drawn_face()
    assert 1.15 < height(widen_eyes(picture, points)) / height(points) < 1.5


def test_an_ordinary_face_keeps_its_landmarks(portrait: U8) -> None:
    picture, points = frame_portrait(portrait, largest_face(portrait), _SIZE)
    np.testing.assert_array_equal(widen_eyes(picture, points), points)
