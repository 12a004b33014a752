"""Framing: the square of a portrait that the video shows."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.landmarks import Face

_FACE_SHARE: Final = 0.36  # of the frame's height that the face (forehead to chin) takes when there is room
_FACE_CENTRE: Final = 0.45  # height of the face's centre in the frame, from the top
_MAX_ENLARGEMENT: Final = 2.0


def frame_portrait(portrait: U8, face: Face, size: int) -> tuple[U8, F32]:
    """Cut a head-and-shoulders square out of an RGB portrait [H, W, 3] and scale it to [size, size, 3].

    The square never leaves the picture. Returns it with the face's landmarks float32 [478, 3] in its pixels.
    """
    height, width = portrait.shape[:2]
    points = face.points
    face_height = float(np.linalg.norm(points[t.FOREHEAD] - points[t.CHIN]))
    side = max(face_height / _FACE_SHARE, size / _MAX_ENLARGEMENT)
    side = round(min(side, height, width))
    centre = (points[:, :2].min(0) + points[:, :2].max(0)) / 2
    left = int(np.clip(round(centre[0] - side / 2), 0, width - side))
    top = int(np.clip(round(centre[1] - side * _FACE_CENTRE), 0, height - side))
    square = portrait[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > size else cv2.INTER_LANCZOS4
    picture = cv2.resize(square, (size, size), interpolation=method)
    scale = np.float32(size / side)
    # Pixel centres: x_out + 0.5 = (x_in + 0.5) * scale.
    moved = points - np.array([left, top, 0], np.float32)
    moved = (moved + np.array([0.5, 0.5, 0], np.float32)) * scale - np.array([0.5, 0.5, 0], np.float32)
    return np.asarray(picture, np.uint8), moved.astype(np.float32)
