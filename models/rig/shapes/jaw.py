"""The jaw, and lips that stay together while it drops."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.rig import topology as t
from models.rig.plate import Handles
from models.rig.shapes.clay import CHEEK, NOSE, UPPER_OVAL, Clay, Shape

_JAW_ANGLE: Final = 0.38  # radians of jaw rotation at jawOpen = 1
_JAW_JOINT: Final = np.array([0.0, 0.25, 0.55])
_LOWER_FACE: Final = (152, 148, 377, 176, 400, 175, 199, 200, 18, 83, 313, 182, 406, 32, 262, 201, 421)
_LOWER_LIP: Final = (
    17, 14, 15, 16, 84, 314, 85, 315, 86, 316, 87, 317, 181, 405, 180, 404, 178, 402, 179, 403
)  # fmt: skip
_UPPER_LIP: Final = (0, 11, 12, 13, 37, 267, 72, 302, 38, 268, 82, 312, 39, 269, 73, 303, 41, 271, 81, 311)


def jaw_weights(clay: Clay) -> Shape:
    """How much of the jaw's motion each vertex takes: [468, 1]."""
    one, most, half, little = (np.full(3, w) for w in (1.0, 0.85, 0.5, 0.2))
    handles: Handles = dict.fromkeys((*_LOWER_FACE, *_LOWER_LIP), one)
    handles |= dict.fromkeys((379, 378, 149, 150), one)
    handles |= dict.fromkeys((365, 136), most) | dict.fromkeys((397, 172), half)
    handles |= dict.fromkeys((288, 58), little)
    handles |= dict.fromkeys(t.LIP_CORNERS, np.full(3, 0.42))
    handles |= dict.fromkeys((321, 375, 91, 146, 324, 318, 95, 88), np.full(3, 0.72))
    still = (*_UPPER_LIP, *NOSE, *UPPER_OVAL, 361, 132, 323, 93, 266, 36, 280, 50, 426, 206)
    return np.clip(clay.spread(handles, still)[:, :1], 0, 1)


def jaw_open(clay: Clay, weights: Shape) -> Shape:
    """Turn the lower face about the jaw's joint, each vertex by its weight [468, 1]."""
    cosine, sine = np.cos(_JAW_ANGLE), np.sin(_JAW_ANGLE)
    turned = (clay.points - _JAW_JOINT) @ np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])
    opened: Shape = weights * (turned + _JAW_JOINT - clay.points)
    return opened


def mouth_close(clay: Clay, opened: Shape) -> Shape:
    """Bring the lips together over an open jaw: the lower lip does most of the way."""
    upper = (t.INNER_UPPER_LIP, *(_padded(row) for row in t.MIDDLE_UPPER_LIP), t.OUTER_UPPER_LIP)
    lower = (t.INNER_LOWER_LIP, *(_padded(row) for row in t.MIDDLE_LOWER_LIP), t.OUTER_LOWER_LIP)
    handles: Handles = {}
    for up_row, low_row, share in zip(upper, lower, (1.0, 0.97, 0.93, 0.85), strict=True):
        for up, low in zip(up_row, low_row, strict=True):
            gap = opened[low] - opened[up]
            handles[up] = 0.22 * share * gap
            handles[low] = -0.78 * share * gap
    return clay.spread(handles, (*NOSE, 152, 175, 148, 377, 199, *CHEEK, *UPPER_OVAL))


def _padded(row: tuple[int, ...]) -> tuple[int, ...]:
    """A middle lip row with the corners of the outer contour, so that rows pair up."""
    return (76, *row, 306)
