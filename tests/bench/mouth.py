"""Mouth opening of a talking face, from a video or from motion, on one 25 fps clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ, INDEX, NUM_BLENDSHAPES
from models.rig.arrays import F32
from models.rig.blendshapes import displacements
from models.rig.face import mean_face
from models.rig.landmarks import FaceTracker
from models.rig.topology import LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from services.kit.contracts import Picture
from services.kit.media.driver import probe_driver, read_driver

_UPPER: Final = 13  # the middle of the upper lip's inner edge
_LOWER: Final = 14


def tracked_opening(video: Path) -> F32:
    """Inner lip distance over outer eye corner distance, float32 [F] at 25 fps from the file's time zero.

    Frames without a face are bridged. Raises ValueError when no frame shows one.
    """
    times, openings = np.array([*_tracked(read_driver(video))]).T
    if len(openings) == 0 or np.isnan(openings).all():
        raise ValueError(f"no face in {video}, expected a talking one")
    seen = ~np.isnan(openings)
    clock = np.arange(round((times[-1] + 1 / FRAME_RATE_HZ) * FRAME_RATE_HZ)) / FRAME_RATE_HZ
    start_s = probe_driver(video).start_s
    return np.asarray(np.interp(clock, times[seen] + start_s, openings[seen]), np.float32)


def opening_of_points(points: F32) -> float:
    """The measure of `tracked_opening` for one face's landmarks float32 [478, 3]."""
    lips = np.linalg.norm(points[_LOWER, :2] - points[_UPPER, :2])
    eyes = np.linalg.norm(points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER])
    return float(lips / eyes)


def opening_of_motion(motion: F32) -> F32:
    """The same measure for motion float32 [F, 58], as the rig would move the mean face: no rendering."""
    opening = np.maximum(motion[:, :NUM_BLENDSHAPES] @ _parting(), 0)
    return np.asarray(opening, np.float32)


def full_opening() -> float:
    """The opening at jawOpen = 1, against which "closed" is judged."""
    return float(_parting()[INDEX["jawOpen"]])


@cache
def _parting() -> F32:
    """How far each blendshape parts the lips of the mean face: [52]."""
    shapes = displacements(mean_face().points)
    return np.asarray(shapes[:, _LOWER, 1] - shapes[:, _UPPER, 1], np.float32)


def _tracked(pictures: Iterable[Picture]) -> Iterator[tuple[float, float]]:
    with FaceTracker() as tracker:
        for picture in pictures:
            points = tracker.read(picture.pixels)
            yield picture.time_s, np.nan if points is None else opening_of_points(points)
