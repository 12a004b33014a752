"""Whose colour a pixel has: the person's or the background's, judged by pixels nearby."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from models.rig.arrays import F32, U8

_CELLS: Final = 10  # of the picture, and
_BINS: Final = 16  # of colour, per axis, in which pixels are counted
_BLURS: Final = (1.2, 1.2, 0.8, 0.8, 0.8)  # of the counts along y, x, L, a, b, in cells and bins
_MIN_SPAN: Final = 8.0  # of colour, so that a nearly uniform picture is not split by its noise
_CERTAIN: Final = (
    0.8  # share from which a pixel is a sample of the person, or as far from it of the background
)
_FEW: Final = 1.0  # samples of a colour that earn half the trust


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourCells:
    """For every pixel its cell, int64 [H, W], in a histogram over (y, x, L, a, b) of the given shape."""

    index: NDArray[np.int64]
    shape: tuple[int, ...]


def colour_cells(rgb: U8) -> ColourCells:
    """Sort the pixels of uint8 [H, W, 3] by place and colour."""
    height, width = rgb.shape[:2]
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    low, high = np.percentile(lab.reshape(-1, 3)[::7], (1, 99), axis=0)
    step = max(float((high - low).max()), _MIN_SPAN) / (_BINS - 1)
    bins = np.ceil((high - low) / step).astype(np.int64) + 1
    colour = np.clip(np.round((lab - low) / step).astype(np.int64), 0, bins - 1)
    rows = np.round(np.linspace(0, _CELLS - 1, height)).astype(np.int64)[:, None]
    columns = np.round(np.linspace(0, _CELLS - 1, width)).astype(np.int64)[None, :]
    index = rows * _CELLS + columns
    for axis in range(3):
        index = index * bins[axis] + colour[..., axis]
    return ColourCells(index=index, shape=(_CELLS, _CELLS, *(int(b) for b in bins)))


def share_by_colour(cells: ColourCells, share: F32) -> tuple[F32, F32]:
    """The person's share among nearby pixels of like colour, and the trust in it: two float32 [H, W].

    share: float32 [H, W] in [0, 1], what is believed so far; its certain pixels are the samples.
    """
    person = _count(cells, (share - _CERTAIN) / (1 - _CERTAIN))
    background = _count(cells, (1 - _CERTAIN - share) / (1 - _CERTAIN))
    total = person + background
    colour, trust = person / (total + 1e-9), total / (total + _FEW)
    return colour.ravel()[cells.index], trust.ravel()[cells.index]


def _count(cells: ColourCells, weight: F32) -> F32:
    bounded = np.clip(weight, 0, 1).ravel()
    counts = np.bincount(cells.index.ravel(), bounded, minlength=int(np.prod(cells.shape)))
    blurred = counts.reshape(cells.shape).astype(np.float32)
    for axis, blur in enumerate(_BLURS):
        blurred = gaussian_filter1d(blurred, blur, axis=axis, mode="constant", truncate=2.5)
    return blurred
