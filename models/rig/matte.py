"""The person's matte: which share of every pixel belongs to the portrait's subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.rig import guided
from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.colours import colour_cells, share_by_colour
from models.rig.silhouette import recognise

_WORK_FACE: Final = 200  # the matte is decided at a scale where the face has this size at most, in pixels
_WORK_SIDE: Final = 768
_COLOUR_SAY: Final = 1.5  # how much the logit of colour weighs against that of shape
_ROUNDS: Final = 3  # of learning colours from what they decided
# Lengths are in face sizes.
_OPENING: Final = 0.02  # half the width of bridges too thin to hold the person together
_MAX_HOLE: Final = 0.03  # area of a gap that is closed
_SKIN_BAND: Final = 0.03  # half the width of the soft rim
_HAIR_BAND: Final = 0.065
_NECK: Final = 0.3  # below the chin the rim narrows over this height
_CHOKE: Final = (0.12, 0.94)  # shares that become 0 and 1: rather a little inside than a rim of wall


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """The picture at working size.

    rgb: uint8 [h, w, 3]. guide: the same as float32 in [0, 1]. points: float32 [478, 3] in its pixels.
    face: uint8 [h, w], 1 in the face. face_size: in pixels.
    """

    rgb: U8
    guide: F32
    points: F32
    face: U8
    face_size: float

    def disc(self, radius: float) -> U8:
        """A structuring element of a radius in face sizes."""
        return _disc(radius * self.face_size)


def person_matte(image: U8, face_points: F32) -> U8:
    """Matte uint8 [H, W] (255 = subject) of the person with this face in an RGB picture uint8 [H, W, 3].

    face_points: float32 [478, 3] in pixels. Other persons and things that the subject does not touch are
    left out; the face itself is never cut.
    """
    scene = _scene(image, face_points)
    likely = recognise(scene.rgb, scene.points, scene.face)
    share = _decide_by_colour(scene, likely)
    solid = _subject(scene, share)
    rim = _rim(scene, solid)
    return _without_islands(
        _draw(image, scene, np.where(rim > 0, share, solid).astype(np.float32), solid, rim)
    )


def _scene(image: U8, points: F32) -> _Scene:
    face_size = max(float(np.ptp(points[:, :2], axis=0).max()), 1.0)
    scale = min(1.0, _WORK_FACE / face_size, _WORK_SIDE / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    points = points * np.float32(scale)
    face = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(face, [np.round(points[list(t.FACE_OVAL), :2]).astype(np.int32)], 1)
    # Landmarks of a turned head may lie a little outside the cheek.
    face = cv2.erode(face, _disc(0.02 * face_size * scale)).astype(np.uint8)
    return _Scene(rgb=image, guide=_guide(image), points=points, face=face, face_size=face_size * scale)


def _guide(image: U8) -> F32:
    return image.astype(np.float32) / np.float32(255)


def _disc(radius: float) -> U8:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8)


def _decide_by_colour(scene: _Scene, likely: F32) -> F32:
    """Give doubtful pixels to whom their colour belongs nearby; the person's share float32 [h, w]."""
    cells = colour_cells(scene.rgb)
    doubt = np.clip(1 - np.abs(2 * likely - 1) ** 4, 0, 1)
    radius = max(2, round(0.03 * scene.face_size))
    share = likely
    for _ in range(_ROUNDS):
        colour, trust = share_by_colour(cells, share)
        logit = _logit(likely, 0.02) + _COLOUR_SAY * doubt * trust * _logit(colour, 0.03)
        decided = (1 / (1 + np.exp(-logit))).astype(np.float32)
        model = guided.fit(scene.guide, decided, radius=radius, smoothness=2e-3)
        share = np.clip(guided.apply(model, scene.guide), 0, 1)
    return share


def _logit(share: F32, floor: float) -> F32:
    bounded = np.clip(share, floor, 1 - floor)
    return np.asarray(np.log(bounded / (1 - bounded)), np.float32)


def _subject(scene: _Scene, share: F32) -> U8:
    """The part of the likely person that holds the face, small gaps closed: uint8 [h, w] of 0 and 1."""
    solid = _holding(((share > 0.5) | (scene.face > 0)).astype(np.uint8), scene.face)
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, scene.disc(_OPENING)).astype(np.uint8)
    solid = _holding(np.maximum(opened, scene.face), scene.face)
    height, width = solid.shape
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(1 - solid, connectivity=4)
    for label, (left, top, wide, high, area) in enumerate(boxes[1:], start=1):
        enclosed = left > 0 and top > 0 and left + wide < width and top + high < height
        if enclosed and area < _MAX_HOLE * scene.face_size**2:
            solid[labels == label] = 1
    return solid


def _holding(solid: U8, face: U8) -> U8:
    """The connected part of solid that shares most pixels with the face."""
    _, labels = cv2.connectedComponents(solid, connectivity=4)
    shared = np.bincount(labels[(face > 0) & (solid > 0)], minlength=2)
    return np.asarray(labels == max(int(shared.argmax()), 1), np.uint8)


def _rim(scene: _Scene, solid: U8) -> F32:
    """Weight of soft shares, float32 [h, w]: 1 along the outline, 0 away from it and in the face."""
    padded = np.pad(solid, 1, mode="edge")
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    outside = cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    neck = _NECK * scene.face_size
    rows = np.arange(solid.shape[0], dtype=np.float32)[:, None]
    above_neck = np.clip((scene.points[t.CHIN, 1] + neck - rows) / neck, 0, 1)
    band = scene.face_size * (_SKIN_BAND + (_HAIR_BAND - _SKIN_BAND) * above_neck)
    rim = np.clip(1.5 - np.maximum(inside, outside) / band, 0, 1).astype(np.float32)
    rim[cv2.erode(scene.face, scene.disc(0.03)) > 0] = 0
    return np.asarray(cv2.GaussianBlur(rim, (0, 0), 0.01 * scene.face_size), np.float32)


def _draw(image: U8, scene: _Scene, share: F32, solid: U8, rim: F32) -> U8:
    """Bring the share to the picture's size along the picture's own edges: uint8 [H, W]."""
    model = guided.fit(scene.guide, share, radius=max(2, round(0.02 * scene.face_size)), smoothness=1e-4)
    size = (image.shape[1], image.shape[0])
    low, high = _CHOKE
    soft = np.clip((guided.apply(model, _guide(image)) - low) / (high - low), 0, 1)
    certain = cv2.resize(np.maximum(solid, scene.face).astype(np.float32), size)
    blend = cv2.resize(rim, size)
    face = cv2.resize(cv2.erode(scene.face, scene.disc(0.02)).astype(np.float32), size)
    return np.asarray(np.round(255 * np.maximum(face, certain + blend * (soft - certain))), np.uint8)


def _without_islands(matte: U8) -> U8:
    """The matte without faint parts that do not hang together with the largest solid one."""
    _, labels = cv2.connectedComponents((matte > 40).astype(np.uint8), connectivity=8)
    solid = np.bincount(labels[matte > 200], minlength=2)
    island = (labels > 0) & (labels != solid[1:].argmax() + 1)
    around = (cv2.dilate(island.astype(np.uint8), _disc(2)) > 0) & ((labels == 0) | island)
    return np.where(around, 0, matte).astype(np.uint8)
