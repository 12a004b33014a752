"""The face of a picture as a face encoder wants it: upright, of one size, eyes and mouth at given places."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.fantasytalking.resampling import Pixels

# Landmarks of MediaPipe's mesh whose means are, from the viewer: left eye, right eye, tip of the nose, left
# and right corner of the mouth. Corners of eyes, because irises follow the gaze.
FIVE_POINTS: Final = ((33, 133), (362, 263), (4,), (61,), (291,))
# Where published face encoders have learned to see them, in a square of 112 pixels.
PLACES: Final = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
_SIDE: Final = 112


def crop_face(pixels: Pixels, landmarks: NDArray[np.float32], side: int) -> Tensor:
    """Return the aligned face [1, 3, side, side] in -1..1 of an RGB picture [H, W, 3].

    `landmarks` [478, 2 or 3] are in its pixels. What lies outside of the picture is black.
    """
    points = np.stack([landmarks[list(each), :2].mean(axis=0) for each in FIVE_POINTS])
    to_crop = align(points, np.array(PLACES) * (side / _SIDE))
    crop = cv2.warpAffine(pixels, to_crop, (side, side), flags=cv2.INTER_LINEAR)
    return torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 127.5 - 1


def align(points: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the similarity [2, 3] that takes points [N, 2] nearest to places [N, 2] (least squares).

    Raises ValueError for points that all are one.
    """
    # As complex numbers a turn with a scale is one factor.
    source, target = (each.astype(np.float64) @ np.array([1, 1j]) for each in (points, places))
    away = source - source.mean()
    spread = float((np.abs(away) ** 2).sum())
    if spread == 0:
        raise ValueError("the points of a face are all at one place")
    factor = (away.conj() * (target - target.mean())).sum() / spread
    shift = target.mean() - factor * source.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])
