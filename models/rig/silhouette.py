"""How likely each pixel of a picture shows the person with a given face, by shape alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.solutions import Segmentation, Solution, start_selfie_segmentation

_NET_SIDE: Final = 256
_WINDOWS: Final = (2.3, 3.0)  # sides of the windows segmented besides the whole picture, in face sizes
_MIN_WINDOW: Final = 16
_FEATHER: Final = 32  # how softly windows are joined, in network pixels
_MIN_IN_FACE: Final = 0.6  # mean likelihood within the face below which the network saw no person
_MAX_COVER: Final = 0.97  # share of the picture above which it saw nothing else
# Half an outline of neck and shoulders, (across, down) from above the chin in face heights.
_SHOULDER: Final = ((0.32, 0.0), (0.36, 0.5), (1.1, 0.85), (1.35, 4.0))


def recognise(rgb: U8, points: F32, face: U8) -> F32:
    """Likelihood of the person, float32 [H, W] in [0, 1].

    rgb: uint8 [H, W, 3]. points: float32 [478, 3] in its pixels. face: uint8 [H, W], 1 in the face's oval.
    Where the network does not recognise a person (some drawings, masks, extreme close-ups), a head and
    shoulders of usual proportions takes its place.
    """
    seen = _segment(rgb, points)
    in_face = float(seen[face > 0].mean()) if face.any() else 0.0
    if in_face > _MIN_IN_FACE and float((seen > 0.5).mean()) < _MAX_COVER:
        return seen
    return _usual_shape(rgb.shape[0], rgb.shape[1], points)


def _segment(rgb: U8, points: F32) -> F32:
    """The mean over windows, mirror images and two networks, float32 [H, W]."""
    height, width = rgb.shape[:2]
    likelihood, weight = np.zeros((2, height, width), np.float32)
    with (
        start_selfie_segmentation(landscape=False) as square,
        start_selfie_segmentation(landscape=True) as landscape,
    ):
        for rows, columns in _windows(points, height, width):
            seen = _seen_by((square, landscape), rgb[rows, columns])
            feather = _feather(rows, columns, height, width)
            size = (columns.stop - columns.start, rows.stop - rows.start)
            likelihood[rows, columns] += cv2.resize(feather * seen, size)
            weight[rows, columns] += cv2.resize(feather, size)
    return (likelihood / weight).astype(np.float32)


def _seen_by(networks: tuple[Solution[Segmentation], ...], window: U8) -> F32:
    """Mean likelihood over the networks and both mirror images, float32 [256, 256]."""
    shown = cv2.resize(window, (_NET_SIDE, _NET_SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)
    mirrored = np.ascontiguousarray(shown[:, ::-1])
    masks = [network.process(shown).segmentation_mask for network in networks]
    masks += [network.process(mirrored).segmentation_mask[:, ::-1] for network in networks]
    return np.asarray(np.mean(masks, axis=0), np.float32)


def _windows(points: F32, height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of squares around head and shoulders, cut to the picture, then the whole of it."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    face_size = float((high - low).max())
    centre_x, centre_y = (float(v) for v in (low + high) / 2)
    for sides in _WINDOWS:
        half = sides * face_size / 2
        middle_y = centre_y + 0.1 * (sides - 1.9) * face_size
        rows = slice(max(0, int(middle_y - half)), min(height, int(middle_y + half)))
        columns = slice(max(0, int(centre_x - half)), min(width, int(centre_x + half)))
        if min(rows.stop - rows.start, columns.stop - columns.start) >= _MIN_WINDOW:
            yield rows, columns
    yield slice(0, height), slice(0, width)


def _feather(rows: slice, columns: slice, height: int, width: int) -> F32:
    """Weight of a window's network pixels: it falls towards those borders that cut the picture."""
    ramp = np.minimum(1, (np.arange(_NET_SIDE) + 0.5) / _FEATHER)
    ones = np.ones_like(ramp)
    down = (ramp if rows.start > 0 else ones) * (ramp[::-1] if rows.stop < height else ones)
    across = (ramp if columns.start > 0 else ones) * (ramp[::-1] if columns.stop < width else ones)
    return np.asarray(down[:, None] * across, np.float32)


def _usual_shape(height: int, width: int, points: F32) -> F32:
    """Head, neck and shoulders placed by the landmarks, float32 [H, W], soft where people differ."""
    forehead, chin = points[t.FOREHEAD, :2], points[t.CHIN, :2]
    down = chin - forehead
    size = max(float(np.hypot(*down)), 1.0)
    angle = float(np.degrees(np.arctan2(down[1], down[0])))
    shape = np.zeros((height, width), np.float32)
    head_x, head_y = (float(v) for v in (forehead + chin) / 2 - 0.12 * down)
    cv2.ellipse(shape, ((head_x, head_y), (1.5 * size, 1.05 * size), angle), 1.0, -1)
    sides = [(-across, down) for across, down in _SHOULDER] + list(reversed(_SHOULDER))
    outline = chin + size * (np.array(sides) - (0, 0.25))
    cv2.fillPoly(shape, [np.round(outline).astype(np.int32)], 1.0)
    return cv2.GaussianBlur(shape, (0, 0), 0.12 * size).astype(np.float32)
