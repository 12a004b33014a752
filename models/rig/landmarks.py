"""Finding faces and their 478 landmarks, in pictures and along videos, with MediaPipe's bundled models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np

from models.rig.arrays import F32, U8
from models.rig.solutions import Detections, Meshes, Solution, start_face_detection, start_face_mesh

NUM_LANDMARKS: Final = 478
_CROP_MARGIN: Final = 1.9  # crop side over detection box side
_CROP_SIDE: Final = 512
_MIN_DETECTION: Final = 0.8
_MIN_TILE_SIDE: Final = 600  # a picture larger than this is searched in overlapping tiles as well
_MAX_FACES: Final = 8


class NoFaceError(ValueError):
    """The picture holds no face the landmark model accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face of a picture.

    points: float32 [478, 3] in pixels of that picture; x right, y down, z away from the viewer (same
    scale as x, zero near the head's centre).
    score: the detector's confidence in [0, 1].
    """

    points: F32
    score: float

    @property
    def area(self) -> float:
        """Area of the landmarks' bounding box in square pixels."""
        span = self.points[:, :2].max(0) - self.points[:, :2].min(0)
        return float(span[0] * span[1])


def find_faces(image: U8) -> tuple[Face, ...]:
    """Return the faces of an RGB picture uint8 [H, W, 3], the largest first; empty if there is none."""
    found: list[Face] = []
    with start_face_mesh(video=False, min_detection=0.3) as mesh:
        for box, score in _detect(image):
            points = _landmarks_in(mesh, image, box)
            if points is not None and not any(_overlap(points, other.points) > 0.3 for other in found):
                found.append(Face(points=points, score=score))
    return tuple(sorted(found, key=lambda face: -face.area))


def largest_face(image: U8) -> Face:
    """Return the largest face of an RGB picture uint8 [H, W, 3]. Raises NoFaceError if there is none."""
    faces = find_faces(image)
    if not faces:
        raise NoFaceError("no face was found in the picture")
    return faces[0]


class FaceTracker:
    """Follows one face along the frames of a video; use it as a context manager."""

    def __init__(self) -> None:
        self._mesh = start_face_mesh(video=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._mesh.close()

    def read(self, frame: U8) -> F32 | None:
        """Return the face's landmarks, float32 [478, 3] in pixels, or None when no face is seen."""
        return _points(self._mesh.process(frame), frame.shape[1], frame.shape[0])


def _points(result: Meshes, width: int, height: int) -> F32 | None:
    if not result.multi_face_landmarks:
        return None
    points = np.array([(p.x, p.y, p.z) for p in result.multi_face_landmarks[0].landmark], np.float32)
    return points * np.array([width, height, width], np.float32)


def _detect(image: U8) -> list[tuple[F32, float]]:
    """Detection boxes (x, y, side) in pixels with scores, best first, duplicates removed."""
    boxes: list[tuple[F32, float]] = []
    with (
        start_face_detection(far=True, min_confidence=_MIN_DETECTION) as far,
        start_face_detection(far=False, min_confidence=_MIN_DETECTION) as near,
    ):
        for left, top, side_x, side_y in _tiles(image):
            tile = np.ascontiguousarray(image[top : top + side_y, left : left + side_x])
            boxes += _boxes_of((near, far), tile, left, top)
    boxes.sort(key=lambda item: -item[1])
    kept: list[tuple[F32, float]] = []
    for box, score in boxes:
        if all(np.hypot(*(box[:2] - other[:2])) > 0.5 * max(box[2], other[2]) for other, _ in kept):
            kept.append((box, score))
    return kept[:_MAX_FACES]


def _boxes_of(
    detectors: tuple[Solution[Detections], ...], tile: U8, left: int, top: int
) -> Iterator[tuple[F32, float]]:
    height, width = tile.shape[:2]
    for detector in detectors:
        for detection in detector.process(tile).detections or ():
            # The far detector ignores the confidence it was started with.
            if detection.score[0] < _MIN_DETECTION:
                continue
            seen = detection.location_data.relative_bounding_box
            centre_x = left + (seen.xmin + seen.width / 2) * width
            centre_y = top + (seen.ymin + seen.height / 2) * height
            side = max(seen.width * width, seen.height * height)
            yield np.array([centre_x, centre_y, side], np.float32), detection.score[0]


def _tiles(image: U8) -> Iterator[tuple[int, int, int, int]]:
    """The whole picture, then overlapping halves of a large one: (left, top, width, height)."""
    height, width = image.shape[:2]
    yield 0, 0, width, height
    if max(width, height) < _MIN_TILE_SIDE:
        return
    side = max(_MIN_TILE_SIDE // 2, min(width, height, max(width, height) // 2))
    for top in sorted({0, (height - side) // 2, max(height - side, 0)}):
        for left in sorted({0, (width - side) // 2, max(width - side, 0)}):
            if top >= 0 and left >= 0:
                yield left, top, min(side, width), min(side, height)


def _landmarks_in(mesh: Solution[Meshes], image: U8, box: F32) -> F32 | None:
    centre_x, centre_y, side = (float(v) for v in box)
    scale = _CROP_SIDE / (side * _CROP_MARGIN)
    to_crop = np.array(
        [[scale, 0, _CROP_SIDE / 2 - scale * centre_x], [0, scale, _CROP_SIDE / 2 - scale * centre_y]]
    )
    crop = cv2.warpAffine(
        image, to_crop, (_CROP_SIDE, _CROP_SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.uint8)
    points = _points(mesh.process(crop), _CROP_SIDE, _CROP_SIDE)
    if points is None:
        return None
    points[:, :2] -= to_crop[:, 2].astype(np.float32)
    return points / np.float32(scale)


def _overlap(a: F32, b: F32) -> float:
    """Intersection over union of two landmark sets' bounding boxes."""
    low = np.maximum(a[:, :2].min(0), b[:, :2].min(0))
    high = np.minimum(a[:, :2].max(0), b[:, :2].max(0))
    shared = float(np.prod(np.maximum(high - low, 0)))
    total = sum(float(np.prod(p[:, :2].max(0) - p[:, :2].min(0))) for p in (a, b))
    return shared / max(total - shared, 1e-6)
