"""Brows, cheeks and nose; one-sided shapes are the subject's left."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.rig import topology as t
from models.rig.plate import Handles
from models.rig.shapes.clay import NOSE, UPPER_OVAL, Clay, Shape

_LIDS: Final = (*t.LEFT_UPPER_LID, *t.RIGHT_UPPER_LID, *t.LEFT_LOWER_LID, *t.RIGHT_LOWER_LID)
_STILL: Final = (*_LIDS, *UPPER_OVAL, 6, 197, 1, 280, 50)


def brow(amounts: tuple[float, ...], inward: float = 0.0) -> Handles:
    """Vertical handles for the left brow from its inner to its outer end."""
    handles: Handles = {}
    for row in (t.LEFT_BROW_LOWER, t.LEFT_BROW_UPPER):
        for v, amount in zip(row, amounts, strict=True):
            handles[v] = np.array([-inward, amount, 0])
    return handles


def brow_down(clay: Clay) -> Shape:
    return clay.spread(brow((0.075, 0.07, 0.05, 0.03, 0.01), 0.018), _STILL)


def brow_outer_up(clay: Clay) -> Shape:
    return clay.spread(brow((-0.0, -0.03, -0.07, -0.09, -0.07)), _STILL)


def brow_inner_up(clay: Clay) -> Shape:
    left = clay.spread(brow((-0.085, -0.07, -0.04, -0.015, 0.0)), _STILL)
    return left + clay.mirrored(left)


def cheek_squint(clay: Clay) -> Shape:
    handles = dict.fromkeys((280, 330, 347, 348, 346), np.array([0, -0.045, -0.02]))
    handles |= dict.fromkeys(t.LEFT_LOWER_LID[2:-2], np.array([0, -0.018, 0]))
    return clay.spread(handles, (291, 0, 13, 263, 362, *NOSE, 454, *t.LEFT_UPPER_LID))


def cheek_puff(clay: Clay) -> Shape:
    handles = dict.fromkeys((425, 427, 411, 434, 416), np.array([0.05, 0, -0.08]))
    handles |= dict.fromkeys((205, 207, 187, 214, 192), np.array([-0.05, 0, -0.08]))
    return clay.spread(handles, (*t.LIP_CORNERS, 0, 17, *NOSE, 152, 454, 234, 374, 145))


def nose_sneer(clay: Clay) -> Shape:
    handles = dict.fromkeys((278, 294, 358, 279, 331), np.array([0.008, -0.045, 0.01]))
    handles |= {v: np.array([0, -0.02, 0]) for v in (267, 269, 312, 311, 302, 303)}
    handles |= {285: np.array([-0.005, 0.02, 0]), 417: np.array([0, -0.012, 0])}
    return clay.spread(handles, (4, 1, 168, 263, 362, 291, 14, 17, 129, 48, 64, 280, 10))
