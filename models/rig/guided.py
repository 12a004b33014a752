"""Edge-aware smoothing: the guided filter with a colour guide."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.rig.arrays import F32


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A plane that is linear in a guide's colour around every pixel.

    slope: float32 [h, w, 3]. offset: float32 [h, w].
    """

    slope: F32
    offset: F32


def fit(guide: F32, plane: F32, *, radius: int, smoothness: float) -> LocalModel:
    """Fit plane float32 [h, w] to guide float32 [h, w, 3] in [0, 1].

    radius: of the windows, in pixels.
    smoothness: the variance of the guide (squared units) below which a window counts as flat.
    Source: He, Sun, Tang, "Guided image filtering", 2013, eqs. 14-16 (colour guide).
    """
    mean_guide, mean_plane = _box(guide, radius), _box(plane, radius)
    covariance = _box(guide * plane[..., None], radius) - mean_guide * mean_plane[..., None]
    slope = _solve(_variance(guide, mean_guide, radius), covariance, smoothness)
    offset = mean_plane - np.einsum("hwc,hwc->hw", slope, mean_guide)
    return LocalModel(slope=_box(slope, radius), offset=_box(offset, radius))


def apply(model: LocalModel, guide: F32) -> F32:
    """Evaluate the model on a guide float32 [H, W, 3] of any size that shows the same picture."""
    size = (guide.shape[1], guide.shape[0])
    slope, offset = (cv2.resize(a, size, interpolation=cv2.INTER_LINEAR) for a in (model.slope, model.offset))
    smooth: F32 = cv2.transform(slope * guide, np.ones((1, 3), np.float32)) + offset
    return smooth


def _box(image: F32, radius: int) -> F32:
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(image, -1, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


def _variance(guide: F32, mean: F32, radius: int) -> tuple[F32, F32]:
    """Variances of (r, g, b) and covariances of (rg, gb, br): two float32 [h, w, 3]."""
    turned, turned_mean = np.roll(guide, -1, axis=2), np.roll(mean, -1, axis=2)
    return _box(guide * guide, radius) - mean * mean, _box(guide * turned, radius) - mean * turned_mean


def _solve(variance: tuple[F32, F32], right: F32, smoothness: float) -> F32:
    """Solve the symmetric 3x3 system of every pixel by its adjugate."""
    (rr, gg, bb), (rg, gb, rb) = (cv2.split(v) for v in variance)
    rr, gg, bb = rr + smoothness, gg + smoothness, bb + smoothness
    x, y, z = cv2.split(right)
    a, b, c = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    d, e, f = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * a + rg * b + rb * c
    rows = (a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z)
    solved: F32 = cv2.merge([row / determinant for row in rows])
    return solved
