"""Openings in the skin: the moving outline between two lips or two lids, and what shows through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np

from models.rig.arrays import F32, I32, U8
from models.rig.raster import blend, rasterise, shade

_SUPERSAMPLING: Final = 4
_PER_SEGMENT: Final = 4  # curve points for each landmark
_MIN_GAP: Final = 0.3  # pixels; a narrower opening is shut
_FAR: Final = np.float32(3.4e38)


def curve(rows: int) -> F32:
    """Matrix [(rows-1)*4+1, rows] of a Catmull-Rom curve through a row of points."""
    count = (rows - 1) * _PER_SEGMENT + 1
    matrix = np.zeros((count, rows), np.float32)
    for k in range(count):
        i, u = min(k // _PER_SEGMENT, rows - 2), 0.0
        u = k / _PER_SEGMENT - i
        weights = (
            (-0.5 * u + u * u - 0.5 * u**3), (1 - 2.5 * u * u + 1.5 * u**3),
            (0.5 * u + 2 * u * u - 1.5 * u**3), (-0.5 * u * u + 0.5 * u**3),
        )  # fmt: skip
        for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
            matrix[k, int(np.clip(i + offset, 0, rows - 1))] += weight
    return matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The rectangle of the canvas an opening covers, and its anti-aliased mask uint8 [h, w]."""

    left: int
    top: int
    mask: U8

    @classmethod
    def between(cls, upper: F32, lower: F32, down: F32, size: int) -> Self | None:
        """The opening between two curves [N, 2] in pixels; None while it is shut or out of the frame.

        down: unit vector [2] from the upper to the lower curve; where the curves have crossed it is shut.
        """
        gaps = (lower - upper) @ down
        if float(gaps.max()) < _MIN_GAP:
            return None
        lowest = lower + np.maximum(-gaps, 0)[:, None] * down
        outline = np.concatenate([upper, lowest[::-1]])
        left, top = np.clip(np.floor(outline.min(0)).astype(int) - 2, 0, size)
        right, bottom = np.clip(np.ceil(outline.max(0)).astype(int) + 3, 0, size)
        if right - left < 2 or bottom - top < 2:
            return None
        large = np.zeros(((bottom - top) * _SUPERSAMPLING, (right - left) * _SUPERSAMPLING), np.uint8)
        # Pixel centres are whole numbers: shift by half a pixel before and after scaling.
        scaled = (outline - [left, top] + 0.5) * _SUPERSAMPLING - 0.5
        cv2.fillPoly(large, [np.round(scaled * 16).astype(np.int32)], 255, shift=4)
        mask = cv2.resize(large, (int(right - left), int(bottom - top)), interpolation=cv2.INTER_AREA)
        return cls(left=int(left), top=int(top), mask=np.asarray(mask, np.uint8))

    def layer(self, canvas: U8) -> Layer:
        """A layer of the window's size that starts as what the canvas shows there."""
        height, width = self.mask.shape
        shown = canvas[self.top : self.top + height, self.left : self.left + width]
        return Layer(left=self.left, top=self.top, pixels=shown.copy())

    def lay(self, canvas: U8, layer: Layer) -> None:
        """Show a layer through the opening."""
        blend(canvas, layer.pixels, self.mask, self.left, self.top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A picture uint8 [h, w, 3] being painted at a place of the canvas."""

    left: int
    top: int
    pixels: U8

    def paint(self, points: F32, uv: F32, triangles: I32, texture: U8) -> None:
        """Paint a textured mesh: points [V, 3] in canvas pixels, uv [V, 2], an RGBA texture [h, w, 4]."""
        shape = self.pixels.shape[:2]
        texture_map = np.zeros((*shape, 2), np.float32)
        depth = np.full(shape, _FAR, np.float32)
        local = np.ascontiguousarray(points - np.array([self.left, self.top, 0], np.float32), np.float32)
        rasterise(local, uv, triangles, texture_map, depth)
        shade(texture_map, depth, texture, self.pixels)
