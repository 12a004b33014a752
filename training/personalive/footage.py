"""Reads videos of people as clips of faces: square, of one size, each frame with its landmarks' regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.rig.landmarks import FaceTracker
from training.personalive.clips import Clip
from training.personalive.regions import regions_of

Picture = NDArray[np.uint8]
Points = NDArray[np.float32]
# Landmarks float32 [478, 3] in pixels of an RGB picture, or None where there is no face.
FindFace = Callable[[Picture], Points | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageConfig:
    """Clips of `size` pixels square and of `shortest` to `longest` frames.

    A clip's square is `reach` times as long as its usual face. A clip ends where the face is lost.
    """

    size: int
    reach: float = 2.0
    shortest: int = 41
    longest: int = 250


def read_video(path: Path) -> Iterator[Picture]:
    """Yield the RGB frames of a video. Raises ValueError when it cannot be read at all."""
    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise ValueError(f"{path} is not a video that can be read")
        while True:
            there, frame = video.read()
            if not there:
                return
            yield np.ascontiguousarray(frame[..., ::-1], dtype=np.uint8)
    finally:
        video.release()


def read_clips(path: Path, config: FootageConfig) -> Iterator[Clip]:
    """Yield the clips of a video's tracked face."""
    with FaceTracker() as tracker:
        yield from cut_clips(read_video(path), tracker.read, config)


def cut_clips(frames: Iterable[Picture], find_face: FindFace, config: FootageConfig) -> Iterator[Clip]:
    """Yield clips of consecutive frames with a face."""
    taken: list[tuple[Picture, Points]] = []
    for frame in frames:
        points = find_face(frame)
        if points is not None:
            taken.append((frame, points))
        if taken and (points is None or len(taken) == config.longest):
            yield from _clip(taken, config)
            taken = []
    yield from _clip(taken, config)


def _clip(taken: list[tuple[Picture, Points]], config: FootageConfig) -> Iterator[Clip]:
    """Yield one clip, or none where the frames are too few."""
    if len(taken) < config.shortest:
        return
    points = np.stack([each for _, each in taken])
    to_clip = _framing(points, taken[0][0].shape, config)
    pictures = [
        cv2.warpAffine(
            frame,
            to_clip,
            (config.size, config.size),
            flags=cv2.INTER_AREA,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for frame, _ in taken
    ]
    placed = points.copy()
    placed[..., :2] = points[..., :2] @ to_clip[:, :2].T + to_clip[:, 2]
    yield Clip(
        pictures=np.stack(pictures).astype(np.uint8),
        regions=np.stack([regions_of(each, config.size) for each in placed]),
    )


def _framing(points: Points, shape: tuple[int, ...], config: FootageConfig) -> NDArray[np.float64]:
    """Return what takes pixels of the video to those of the clip, [2, 3].

    The square stays in the picture where it fits.
    """
    low, high = points[..., :2].min(axis=1), points[..., :2].max(axis=1)
    side = min(config.reach * float(np.median((high - low).max(axis=1))), *shape[:2])
    limit = np.array([shape[1], shape[0]]) - side
    corner = (np.median((low + high) / 2, axis=0) - side / 2).clip(0, limit)
    scale = config.size / side
    return np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
