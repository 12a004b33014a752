"""Textures of teeth and tongue, drawn once for each portrait in its own light."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from models.rig.arrays import F32, U8

# Widths of the teeth from the middle outwards, in millimetres (usual anatomical means).
UPPER_TEETH: Final = (8.5, 6.6, 7.6, 7.0, 6.8, 9.0)
LOWER_TEETH: Final = (5.4, 5.9, 6.9, 7.0, 7.1, 10.0)

_ENAMEL: Final = np.array([240.0, 227.0, 205.0])
_GUM: Final = np.array([168.0, 92.0, 90.0])
_TONGUE: Final = np.array([172.0, 92.0, 90.0])
_WIDTH, _HEIGHT = 512, 128
_FINE: Final = 2  # supersampling


def tooth_texture(widths_mm: tuple[float, ...], light: F32, width_px: int, *, gums_above: bool) -> U8:
    """A row of teeth with gums, RGBA uint8 [H, width_px, 4]; widths_mm from the middle tooth outwards."""
    width, height = _WIDTH * _FINE, _HEIGHT * _FINE
    edges = np.cumsum([0.0, *widths_mm]) / sum(widths_mm) * (width / 2)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    picture = np.empty((height, width, 4), np.float32)
    # Gums above; between the crowns, enamel in shadow.
    gum = np.clip((0.42 - rows) / 0.2, 0, 1)[..., None]
    picture[..., :3] = _GUM * 0.8 * gum + _ENAMEL * 0.62 * (1 - gum)
    teeth = np.zeros((height, width), np.uint8)
    for left, right in pairwise(edges):
        for sign in (-1, 1):
            centre = width / 2 + sign * (left + right) / 2
            _tooth(teeth, centre, (right - left) / 2, height)
    crown = cv2.GaussianBlur(teeth, (0, 0), 1.5 * _FINE).astype(np.float32) / 255
    depth = cv2.GaussianBlur(teeth, (0, 0), 7 * _FINE).astype(np.float32) / 255
    enamel = _ENAMEL * (0.74 + 0.22 * depth + 0.06 * rows)[..., None]
    picture[..., :3] += crown[..., None] * (enamel - picture[..., :3])
    # The row turns away from the light along the arch.
    aside = np.abs(np.linspace(-1, 1, width, dtype=np.float32))
    picture[..., :3] *= (1 - 0.5 * aside**2.5)[None, :, None]
    # Beyond the biting edge there is nothing.
    picture[..., 3] = np.where(rows > 0.45, crown * 255, 255)
    across = int(np.clip(width_px, 32, _WIDTH))
    small = cv2.resize(picture, (across, across * _HEIGHT // _WIDTH), interpolation=cv2.INTER_AREA)
    lit = np.dstack([small[..., :3] * light, small[..., 3]])
    upright = lit if gums_above else lit[::-1]
    return np.ascontiguousarray(np.clip(upright, 0, 255).astype(np.uint8))


def _tooth(mask: U8, centre: float, half: float, height: int) -> None:
    """One crown: from the gum line at a fifth of the height to the biting edge at nine tenths."""
    gap = 0.035 * half + 0.6
    top, bottom, round_top = 0.2 * height, 0.93 * height, 0.16 * height
    corner = min(0.5 * half, 0.12 * height)
    angles = np.linspace(0, np.pi, 16)
    arc = np.stack([centre + (half - gap) * np.cos(angles), top + round_top - round_top * np.sin(angles)], 1)
    turn = np.linspace(0, np.pi / 2, 8)
    left = np.stack(
        [centre - half + gap + corner * (1 - np.cos(turn)), bottom - corner + corner * np.sin(turn)], 1
    )
    right = np.stack([2 * centre - left[::-1, 0], left[::-1, 1]], 1)
    outline = np.concatenate([arc, left, right])
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)


def tongue_texture(light: F32) -> U8:
    """A soft tongue with a middle furrow, RGBA uint8 [64, 128, 4]."""
    y, x = np.mgrid[0:64, 0:128].astype(np.float32)
    across, along = (x - 63.5) / 62, (y - 34) / 40
    inside = np.clip((1 - (across**2 + np.minimum(along, 0) ** 2 * 1.8)) * 3, 0, 1)
    bright = (
        0.6 + 0.4 * np.clip(1 - across**2, 0, 1) - 0.16 * np.exp(-((across / 0.09) ** 2)) * (along > -0.6)
    )
    picture = np.empty((64, 128, 4), np.float32)
    picture[..., :3] = _TONGUE * light * bright[..., None]
    picture[..., 3] = 255 * inside
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.2), 0, 255).astype(np.uint8)
