"""Lids: the subject's left eye; the right is its mirror image."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.rig import topology as t
from models.rig.shapes.clay import CHEEK, NOSE, UPPER_OVAL, Clay, Shape

_EYE_RING: Final = (359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414)


def lid_gap(clay: Clay) -> Shape:
    """From each upper lid vertex of the left eye to its partner on the lower lid: [9, 3]."""
    gap: Shape = clay.points[list(t.LEFT_LOWER_LID)] - clay.points[list(t.LEFT_UPPER_LID)]
    return gap


def lids(clay: Clay, upper: float, lower: float) -> Shape:
    """Move the lids by shares of the gap between them; positive closes."""
    gap = lid_gap(clay)
    handles = {v: upper * d for v, d in zip(t.LEFT_UPPER_LID[1:-1], gap[1:-1], strict=True)}
    handles |= {v: -lower * d for v, d in zip(t.LEFT_LOWER_LID[1:-1], gap[1:-1], strict=True)}
    corners = (t.LEFT_EYE_OUTER, t.LEFT_UPPER_LID[-1])
    return clay.spread(handles, (*corners, *t.LEFT_BROW_LOWER, *CHEEK, *NOSE, *_EYE_RING[:9], *UPPER_OVAL))


def blink(clay: Clay) -> Shape:
    return lids(clay, 0.9, 0.1)


def look_down(clay: Clay) -> Shape:
    return lids(clay, 0.38, -0.08)


def look_up(clay: Clay) -> Shape:
    return lids(clay, -0.16, 0.04)


def wide(clay: Clay) -> Shape:
    return lids(clay, -0.32, -0.06)


def squint(clay: Clay) -> Shape:
    handles = {v: np.array([0, -0.03, 0]) for v in t.LEFT_LOWER_LID[2:-2]}
    handles |= {v: np.array([0, -0.03, 0]) for v in _EYE_RING[1:8]}
    handles |= {v: np.array([0, 0.012, 0]) for v in t.LEFT_UPPER_LID[2:-2]}
    return clay.spread(handles, (*t.LEFT_BROW_LOWER, *NOSE, 425, 411, 263, 362))
