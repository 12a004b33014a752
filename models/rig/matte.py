"""The person's matte: which share of every pixel belongs to the portrait's subject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.rig import guided
from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.solutions import selfie_segmentation

_WORK_FACE: Final = 200  # the matte is decided at a scale where the face has this size at most, in pixels
_WORK_SIDE: Final = 768
_NET_SIDE: Final = 256
_WINDOWS: Final = (2.3, 3.0)  # sides of the windows segmented besides the whole picture, in face sizes
_FEATHER: Final = 32  # how softly windows are joined, in network pixels
_CELLS: Final = 10  # of the picture, and
_BINS: Final = 16  # of colour, per axis, in which colours are counted
_BLURS: Final = (1.2, 1.2, 0.8, 0.8, 0.8)
_COLOUR_SAY: Final = 1.5  # how much the logit of colour weighs against that of shape
_SKIN_BAND: Final = 0.03  # half the width of the soft rim, in face sizes
_HAIR_BAND: Final = 0.065
_CHOKE: Final = (0.12, 0.94)  # shares that become 0 and 1: rather a little inside than a rim of wall


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """The picture at working size: rgb uint8 [h, w, 3], points float32 [478, 3], the face's size in pixels."""

    rgb: U8
    points: F32
    face_size: float

    @property
    def guide(self) -> F32:
        return self.rgb.astype(np.float32) / 255


def person_matte(image: U8, face_points: F32) -> U8:
    """Matte uint8 [H, W] (255 = subject) of the person with this face in an RGB picture uint8 [H, W, 3].

    face_points: float32 [478, 3] in pixels. Other persons and objects that the subject does not touch are
    left out; the face itself is never cut. Where the segmentation network does not recognise a person
    (drawings, masks), a head-and-shoulders shape grown from the landmarks takes its place.
    """
    scene = _reduce(image, face_points)
    face = _face_area(scene)
    shape = _likely(_segment(scene), face, scene)
    soft = _with_colours(scene, shape)
    solid = _subject(soft, face, scene.face_size)
    rim = _rim(solid, face, scene)
    share = np.where(rim > 0, soft, solid.astype(np.float32))
    model = guided.fit(scene.guide, share, radius=max(2, round(0.02 * scene.face_size)), smoothness=1e-4)
    size = (image.shape[1], image.shape[0])
    matte = guided.apply(model, image.astype(np.float32) / 255)
    rim, certain = (cv2.resize(a, size) for a in (rim, np.maximum(solid, face).astype(np.float32)))
    low, high = _CHOKE
    matte = np.clip((matte - low) / (high - low), 0, 1)
    return _without_islands(np.round(255 * (rim * matte + (1 - rim) * certain)).astype(np.uint8))


def _reduce(image: U8, points: F32) -> _Scene:
    face_size = float(np.ptp(points[:, :2], axis=0).max())
    scale = min(1.0, _WORK_FACE / max(face_size, 1.0), _WORK_SIDE / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return _Scene(rgb=image, points=points * np.float32(scale), face_size=max(face_size * scale, 1.0))


def _face_area(scene: _Scene) -> U8:
    """The face's oval, a little eroded so that it never reaches over a cheek: uint8 [h, w] of 0 and 1."""
    area = np.zeros(scene.rgb.shape[:2], np.uint8)
    oval = np.round(scene.points[list(t.FACE_OVAL), :2]).astype(np.int32)
    cv2.fillPoly(area, [oval], 1)
    return cv2.erode(area, _disc(0.02 * scene.face_size)).astype(np.uint8)


def _disc(radius: float) -> U8:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8)


# Shape: what the segmentation network recognises ------------------------------------------------------


def _segment(scene: _Scene) -> F32:
    """Likelihood of a person, float32 [h, w]: the mean over windows, mirror images and two networks."""
    height, width = scene.rgb.shape[:2]
    likelihood, weight = np.zeros((2, height, width), np.float32)
    with (
        selfie_segmentation.SelfieSegmentation(model_selection=0) as square,
        selfie_segmentation.SelfieSegmentation(model_selection=1) as landscape,
    ):
        for rows, columns in _windows(scene):
            window = cv2.resize(scene.rgb[rows, columns], (_NET_SIDE, _NET_SIDE), interpolation=cv2.INTER_AREA)
            mirrored = np.ascontiguousarray(window[:, ::-1])
            seen = np.zeros((_NET_SIDE, _NET_SIDE), np.float32)
            for net in (square, landscape):
                seen += net.process(window).segmentation_mask
                seen += net.process(mirrored).segmentation_mask[:, ::-1]
            feather = _feather(rows, columns, height, width)
            size = (columns.stop - columns.start, rows.stop - rows.start)
            likelihood[rows, columns] += cv2.resize(feather * seen / 4, size)
            weight[rows, columns] += cv2.resize(feather, size)
    return (likelihood / weight).astype(np.float32)


def _windows(scene: _Scene) -> Iterator[tuple[slice, slice]]:
    height, width = scene.rgb.shape[:2]
    low, high = scene.points[:, :2].min(0), scene.points[:, :2].max(0)
    centre_x, centre_y = (float(v) for v in (low + high) / 2)
    for sides in _WINDOWS:
        half = sides * scene.face_size / 2
        middle_y = centre_y + 0.1 * (sides - 1.9) * scene.face_size
        yield (
            slice(max(0, int(middle_y - half)), max(1, min(height, int(middle_y + half)))),
            slice(max(0, int(centre_x - half)), max(1, min(width, int(centre_x + half)))),
        )
    yield slice(0, height), slice(0, width)


def _feather(rows: slice, columns: slice, height: int, width: int) -> F32:
    """Weight of a window's network pixels: it falls towards those borders that cut the picture."""
    ramp = np.minimum(1, (np.arange(_NET_SIDE, dtype=np.float32) + 0.5) / _FEATHER)
    ones = np.ones_like(ramp)
    down = (ramp if rows.start > 0 else ones) * (ramp[::-1] if rows.stop < height else ones)
    across = (ramp if columns.start > 0 else ones) * (ramp[::-1] if columns.stop < width else ones)
    return (down[:, None] * across).astype(np.float32)


def _likely(seen: F32, face: U8, scene: _Scene) -> F32:
    """The segmentation if it is believable, otherwise a head and shoulders of usual proportions."""
    in_face = float(seen[face > 0].mean()) if face.any() else 0.0
    everywhere = float((seen > 0.5).mean())
    if in_face > 0.6 and everywhere < 0.97:
        return seen
    return _usual_shape(scene)


def _usual_shape(scene: _Scene) -> F32:
    """Head, neck and shoulders placed by the landmarks, float32 [h, w], soft where people differ."""
    down = scene.points[t.CHIN, :2] - scene.points[t.FOREHEAD, :2]
    centre = (scene.points[t.CHIN, :2] + scene.points[t.FOREHEAD, :2]) / 2
    size = max(float(np.hypot(*down)), 1.0)
    angle = float(np.degrees(np.arctan2(down[1], down[0])))
    shape = np.zeros(scene.rgb.shape[:2], np.float32)
    head = (float(centre[0] - 0.12 * down[0]), float(centre[1] - 0.12 * down[1]))
    cv2.ellipse(shape, (head, (1.5 * size, 1.05 * size), angle), 1.0, -1)
    neck = scene.points[t.CHIN, :2] + np.array([0, -0.25 * size])
    x, y = (float(v) for v in neck)
    outline = [(-0.32, 0), (-0.36, 0.5), (-1.1, 0.85), (-1.35, 4), (1.35, 4), (1.1, 0.85), (0.36, 0.5), (0.32, 0)]
    body = np.round([(x + a * size, y + b * size) for a, b in outline]).astype(np.int32)
    cv2.fillPoly(shape, [body], 1.0)
    return cv2.GaussianBlur(shape, (0, 0), 0.12 * size).astype(np.float32)


# Colour: where shape is in doubt, a pixel goes with the colours it is seen with nearby ------------------


def _with_colours(scene: _Scene, shape: F32) -> F32:
    """Decide doubtful pixels by their colour; returns the person's share float32 [h, w] in [0, 1]."""
    cells = _colour_cells(scene.rgb)
    doubt = np.clip(1 - np.abs(2 * shape - 1) ** 4, 0, 1)
    guide, radius = scene.guide, max(2, round(0.03 * scene.face_size))
    share = shape
    for _ in range(3):
        colour, trust = _colour_share(cells, share)
        logit = _logit(shape, 0.02) + _COLOUR_SAY * doubt * trust * _logit(colour, 0.03)
        decided = (1 / (1 + np.exp(-logit))).astype(np.float32)
        share = np.clip(guided.apply(guided.fit(guide, decided, radius=radius, smoothness=2e-3), guide), 0, 1)
    return share


def _logit(share: F32, floor: float) -> F32:
    bounded = np.clip(share, floor, 1 - floor)
    logit: F32 = np.log(bounded / (1 - bounded))
    return logit


@dataclass(frozen=True, slots=True, kw_only=True)
class _ColourCells:
    """A histogram's cell for every pixel, int64 [h, w], in a grid of shape (y, x, L, a, b)."""

    index: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    shape: tuple[int, ...]


def _colour_cells(rgb: U8) -> _ColourCells:
    height, width = rgb.shape[:2]
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    low, high = np.percentile(lab.reshape(-1, 3)[::7], (1, 99), axis=0)
    step = max(float((high - low).max()), 8.0) / (_BINS - 1)
    bins = np.ceil((high - low) / step).astype(np.int64) + 1
    colour = np.clip(np.round((lab - low) / step).astype(np.int64), 0, bins - 1)
    rows = np.round(np.linspace(0, _CELLS - 1, height)).astype(np.int64)[:, None]
    columns = np.round(np.linspace(0, _CELLS - 1, width)).astype(np.int64)[None, :]
    shape = (_CELLS, _CELLS, *(int(b) for b in bins))
    index = rows * _CELLS + columns
    for axis in range(3):
        index = index * shape[2 + axis] + colour[..., axis]
    return _ColourCells(index=index, shape=shape)


def _colour_share(cells: _ColourCells, share: F32) -> tuple[F32, F32]:
    """Share of the person among nearby pixels of like colour, and how far that can be trusted."""
    person = _count(cells, np.clip((share - 0.8) / 0.2, 0, 1))
    wall = _count(cells, np.clip((0.2 - share) / 0.2, 0, 1))
    total = person + wall
    colour, trust = person / (total + 1e-9), total / (total + 1)
    return colour.ravel()[cells.index], trust.ravel()[cells.index]


def _count(cells: _ColourCells, weight: F32) -> F32:
    size = int(np.prod(cells.shape))
    counts = np.bincount(cells.index.ravel(), weight.ravel(), minlength=size)
    counts = counts.reshape(cells.shape).astype(np.float32)
    for axis, blur in enumerate(_BLURS):
        counts = gaussian_filter1d(counts, blur, axis=axis, mode="constant", truncate=2.5)
    return counts


# Decision: one solid subject and the soft rim around it -------------------------------------------------


def _subject(share: F32, face: U8, face_size: float) -> U8:
    """The part of the likely person that holds the face, small holes closed: uint8 [h, w] of 0 and 1."""
    solid = ((share > 0.5) | (face > 0)).astype(np.uint8)
    solid = _holding(_holding(solid, face), face, opened_by=0.02 * face_size)
    height, width = solid.shape
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(1 - solid, connectivity=4)
    for label, (left, top, wide, high, area) in enumerate(boxes[1:], start=1):
        enclosed = left > 0 and top > 0 and left + wide < width and top + high < height
        if enclosed and area < 0.03 * face_size**2:
            solid[labels == label] = 1
    return solid


def _holding(solid: U8, face: U8, *, opened_by: float = 0.0) -> U8:
    """The connected part that shares most pixels with the face, after thin bridges are cut."""
    if opened_by > 0:
        solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, _disc(opened_by)).astype(np.uint8)
        solid = np.maximum(solid, face)
    _, labels = cv2.connectedComponents(solid, connectivity=4)
    shared = np.bincount(labels[(face > 0) & (solid > 0)], minlength=2)
    return (labels == max(int(shared.argmax()), 1)).astype(np.uint8)


def _without_islands(matte: U8) -> U8:
    """The matte without faint parts that do not hang together with the largest solid one."""
    _, labels = cv2.connectedComponents((matte > 40).astype(np.uint8), connectivity=8)
    solid = np.bincount(labels[matte > 200], minlength=2)
    island = (labels > 0) & (labels != solid[1:].argmax() + 1)
    around = (cv2.dilate(island.astype(np.uint8), _disc(2)) > 0) & ((labels == 0) | island)
    return np.where(around, 0, matte).astype(np.uint8)


def _rim(solid: U8, face: U8, scene: _Scene) -> F32:
    """Weight float32 [h, w] of soft shares: 1 along the subject's outline, 0 away from it and in the face."""
    padded = np.pad(solid, 1, mode="edge")
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    outside = cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows = np.arange(solid.shape[0], dtype=np.float32)[:, None]
    above_neck = np.clip((scene.points[t.CHIN, 1] + 0.3 * scene.face_size - rows) / (0.3 * scene.face_size), 0, 1)
    half = scene.face_size * (_SKIN_BAND + (_HAIR_BAND - _SKIN_BAND) * above_neck)
    rim = np.clip(1.5 - np.maximum(inside, outside) / half, 0, 1)
    rim[cv2.erode(face, _disc(0.03 * scene.face_size)) > 0] = 0
    return cv2.GaussianBlur(rim.astype(np.float32), (0, 0), 0.01 * scene.face_size).astype(np.float32)
