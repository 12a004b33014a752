"""Framing: the square of a portrait that the video shows."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np

from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.landmarks import Face

_FACE_SHARE: Final = 0.36  # of the frame's height that the face (forehead to chin) takes when there is room
_FACE_CENTRE: Final = 0.45  # height of the face's centre in the frame, from the top
_MAX_ENLARGEMENT: Final = 2.0


class Square(NamedTuple):
    """A square of a picture, in whole pixels."""

    left: int
    top: int
    side: int


def square_around(shape: tuple[int, ...], points: F32, size: int) -> Square:
    """Return the head-and-shoulders square of a picture [H, W, ...] whose face has the landmarks [478, 3].

    It never leaves the picture; where there is room it has at least half of the `size` it will be shown in.
    """
    height, width = shape[:2]
    face_height = float(np.linalg.norm(points[t.FOREHEAD] - points[t.CHIN]))
    side = max(face_height / _FACE_SHARE, size / _MAX_ENLARGEMENT)
    side = round(min(side, height, width))
    centre = (points[:, :2].min(0) + points[:, :2].max(0)) / 2
    left = int(np.clip(round(centre[0] - side / 2), 0, width - side))
    top = int(np.clip(round(centre[1] - side * _FACE_CENTRE), 0, height - side))
    return Square(left, top, side)


def cut_square(picture: U8, square: Square, size: int) -> U8:
    """Cut a square out of an RGB picture [H, W, 3] and scale it to [size, size, 3]."""
    left, top, side = square
    method = cv2.INTER_AREA if side > size else cv2.INTER_LANCZOS4
    cut = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(cut, (size, size), interpolation=method), np.uint8)


def frame_portrait(portrait: U8, face: Face, size: int) -> tuple[U8, F32]:
    """Cut a head-and-shoulders square out of an RGB portrait [H, W, 3] and scale it to [size, size, 3].

    The square never leaves the picture. Returns it with the face's landmarks float32 [478, 3] in its pixels.
    """
    square = square_around(portrait.shape, face.points, size)
    picture = cut_square(portrait, square, size)
    scale = np.float32(size / square.side)
    # Pixel centres: x_out + 0.5 = (x_in + 0.5) * scale.
    moved = face.points - np.array([square.left, square.top, 0], np.float32)
    moved = (moved + np.array([0.5, 0.5, 0], np.float32)) * scale - np.array([0.5, 0.5, 0], np.float32)
    return picture, moved.astype(np.float32)
