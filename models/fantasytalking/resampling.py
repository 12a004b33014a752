"""Resizing of 8-bit pictures with the filters that the published pictures went through.

The filters widen when a picture shrinks, and rows are rounded to 8 bits before columns are mixed, as imaging
libraries do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A resampling filter: its weights at distances of source pixels, and the distance where it ends."""

    weights: Callable[[Floats], Floats]
    reach: float


def _lanczos(distance: Floats) -> Floats:
    return np.sinc(distance) * np.sinc(distance / 3)


def _cubic(distance: Floats) -> Floats:
    """Keys' cubic convolution with a = -0.5."""
    x = np.abs(distance)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, far)


LANCZOS = Filter(weights=_lanczos, reach=3.0)
BICUBIC = Filter(weights=_cubic, reach=2.0)


def resize(pixels: Pixels, width: int, height: int, kernel: Filter) -> Pixels:
    """Return the picture [H, W, C] at another size. Raises ValueError for a size without pixels."""
    if width < 1 or height < 1:
        raise ValueError(f"expected a size of at least 1x1, got {width}x{height}")
    across = _resample(pixels.transpose(1, 0, 2), width, kernel).transpose(1, 0, 2)
    return _resample(across, height, kernel)


def _resample(pixels: Pixels, size: int, kernel: Filter) -> Pixels:
    """Resize the first axis."""
    if len(pixels) == size:
        return pixels
    rows = np.tensordot(_matrix(len(pixels), size, kernel), pixels.astype(np.float64), axes=1)
    return np.clip(np.floor(rows + 0.5), 0, 255).astype(np.uint8)


def _matrix(source: int, target: int, kernel: Filter) -> Floats:
    """Return the weights [target, source] with which the pixels of one axis are mixed."""
    scale = source / target
    widened = max(scale, 1.0)
    centres = (np.arange(target)[:, None] + 0.5) * scale
    distances = (np.arange(source)[None] + 0.5 - centres) / widened
    weights = np.where(np.abs(distances) < kernel.reach, kernel.weights(distances), 0.0)
    normed: Floats = weights / weights.sum(axis=1, keepdims=True)
    return normed
