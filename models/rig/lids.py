"""Where an eye ends and its lid begins, judged by colour, so that a closed lid shows no white of the eye."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from models.rig.arrays import F32, U8

_STEPS: Final = np.linspace(0.0, 0.7, 15, dtype=np.float32)  # searched outwards, as shares of the eye's opening
_LEAST: Final = 0.16
_SKIN_AT: Final = 1.0  # share of the opening outwards where there is skin for certain
_INSIDE: Final = (0.2, 0.35, 0.5, 0.65, 0.8)
_BRIGHT_SHARE: Final = 0.15  # of the samples inside the eye that are taken for its white
_BRIGHTER: Final = 10.0  # grey levels by which the white of an eye outshines its lid
_MIDDLE: Final = slice(2, -2)


def lid_margin(picture: U8, points: F32, lid: tuple[int, ...], other: tuple[int, ...]) -> F32:
    """Vectors float32 [9, 2] from a lid's vertices outwards to where the picture shows lid, not eye.

    picture: RGB uint8 [S, S, 3]; points float32 [478, 3] its landmarks; lid and other name the vertices of
    this lid and of the opposite one. Landmarks of drawn or very large eyes can lie well inside the eye.
    """
    edge, opposite = points[list(lid), :2], points[list(other), :2]
    opening = edge - opposite
    soft = cv2.GaussianBlur(picture, (0, 0), 0.7).astype(np.float32)
    inside = _sample(soft, np.stack([edge - s * opening for s in _INSIDE], axis=1)[_MIDDLE]).reshape(-1, 3)
    bright = np.sort(inside.mean(1))[-max(1, round(_BRIGHT_SHARE * len(inside))) :].min()
    white = inside[inside.mean(1) >= bright].mean(0)
    skin = np.median(_sample(soft, (edge + _SKIN_AT * opening)[_MIDDLE, None])[:, 0], axis=0)
    seen = _sample(soft, (edge[:, None] + _STEPS[None, :, None] * opening[:, None])[_MIDDLE])
    is_white = np.linalg.norm(seen - white, axis=2) < np.linalg.norm(seen - skin, axis=2)
    is_white &= seen.mean(2) > skin.mean() + _BRIGHTER
    last = np.where(is_white.any(1), _STEPS[len(_STEPS) - 1 - is_white[:, ::-1].argmax(1)] + 0.1, 0)
    share = np.float32(max(_LEAST, float(np.median(last))))
    return np.asarray(share * opening, np.float32)


def _sample(picture: F32, places: F32) -> F32:
    """Colours [N, M, 3] of a picture [S, S, 3] at places [N, M, 2]."""
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32).reshape(*places.shape[:2], 3)
