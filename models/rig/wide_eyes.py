"""Eyes drawn larger than life: the landmark model sets their lids too narrow, the picture's white tells."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from models.rig import topology as t
from models.rig.arrays import F32, U8

_REACH: Final = (
    0.5  # how far beyond a landmark its lid may lie, as a share of its distance from the eye's centre
)
_STEPS: Final = 20
_WHITE_PERCENTILE: Final = 80
_WHITE: Final = 0.86  # least brightness of the white, relative to the white inside the eye
_RIM: Final = 0.72  # most brightness of the outline that ends it
_END_PERCENTILE: Final = 80
_LID_RIM: Final = 0.05  # growth that takes in the outline itself
_LEAST_RAYS: Final = 5  # of sixteen that must find white and then an outline
_SKIN_FOLLOWS: Final = 0.7  # share of a lid's shift that the fold above and the rim below take
_LEFT_BAG: Final = (359, 255, 339, 254, 253, 252, 256, 341, 463)
_RIGHT_BAG: Final = (130, 25, 110, 24, 23, 22, 26, 112, 243)
_EYES: Final = (
    (t.LEFT_UPPER_LID, t.LEFT_LOWER_LID, t.LEFT_CREASE, _LEFT_BAG),
    (t.RIGHT_UPPER_LID, t.RIGHT_LOWER_LID, t.RIGHT_CREASE, _RIGHT_BAG),
)


def widen_eyes(picture: U8, points: F32) -> F32:
    """Move the lids of landmarks float32 [478, 3] out to where the eyes' white ends in an RGB picture.

    A picture without white beyond its lids, which is any ordinary face, keeps its landmarks.
    """
    widened = points.copy()
    grey = cv2.GaussianBlur(picture, (0, 0), 0.8).astype(np.float32).mean(2)
    for upper, lower, crease, bag in _EYES:
        outline = [*upper, *lower[1:-1]]
        growth = _growth(grey, points[outline, :2])
        centre = points[outline].mean(0)
        for lid, around in ((upper, crease), (lower, bag)):
            shift = growth * (points[list(lid)] - centre)
            widened[list(lid)] = points[list(lid)] + shift
            widened[list(around[1:-1])] = points[list(around[1:-1])] + _SKIN_FOLLOWS * shift[1:-1]
    return widened


def _growth(grey: F32, outline: F32) -> float:
    """By what share an eye's outline [16, 2] has to grow to reach the end of its white; usually 0."""
    centre = outline.mean(0)
    inside = centre + np.linspace(0.3, 0.95, 8)[:, None, None] * (outline - centre)
    white = float(np.percentile(_sample(grey, inside.reshape(-1, 2)), _WHITE_PERCENTILE))
    shares = np.linspace(-0.08, _REACH, _STEPS)
    rays = centre + (1 + shares)[None, :, None] * (outline - centre)[:, None]
    seen = _sample(grey, rays.reshape(-1, 2)).reshape(len(outline), _STEPS) / max(white, 1.0)
    ends: list[float] = []
    for ray in seen:
        dark = np.flatnonzero(ray < _RIM)
        if dark.size and dark[0] > 3 and (ray[: max(1, dark[0] - 3)] > _WHITE).all():
            ends.append(float(shares[dark[0] - 1]))
    return float(np.percentile(ends, _END_PERCENTILE)) + _LID_RIM if len(ends) >= _LEAST_RAYS else 0.0


def _sample(grey: F32, places: F32) -> F32:
    x, y = (np.ascontiguousarray(places[:, k], np.float32) for k in (0, 1))
    return np.asarray(cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)[
        :, 0
    ]
