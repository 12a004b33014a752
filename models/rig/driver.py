"""Motion of a filmed face: its face at rest is found first, then every frame is read on our clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ, NUM_MOTION
from models.rig.arrays import F32, U8
from models.rig.boxed import F64
from models.rig.face import mean_face
from models.rig.geometry import fit_similarity, rotation_angles
from models.rig.inverse import MotionReader
from models.rig.landmarks import FaceTracker, NoFaceError
from models.rig.neutral import Neutral, to_neutral
from models.rig.smoothing import MotionSmoother

_MAX_SEEN: Final = 1500  # frames with a face that are looked at to find the face at rest
_MIN_REST: Final = 3
_REST_SHARE: Final = 0.12  # of the frames, the most restful, that are averaged
_OPEN_EYES: Final = 0.65  # quantile of lid aperture that counts as resting eyes
# Landmarks that expression moves little, for a face whose rest is not yet known.
_RIGID: Final = (10, 338, 109, 67, 297, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 33, 133, 362, 263, 127, 356)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMotion:
    """One frame of motion float32 [58]; is_seen is False where the face was lost and the last one held."""

    motion: F32
    is_seen: bool


def find_rest(frames: Iterable[U8]) -> Neutral:
    """The face at rest of a video's RGB frames: its stillest frames averaged, in its median pose.

    Looks at no more than the first 1500 frames with a face, so that memory is bounded. Raises NoFaceError
    when there is none.
    """
    seen: list[F32] = []
    with FaceTracker() as tracker:
        for frame in frames:
            points = tracker.read(frame)
            if points is not None:
                seen.append(points)
            if len(seen) == _MAX_SEEN:
                break
    if not seen:
        raise NoFaceError("no frame of the video shows a face")
    return rest_among(np.stack(seen))


def read_motions(rest: Neutral, pictures: Iterable[tuple[float, U8]]) -> Iterator[ReadMotion]:
    """Motion at 25 fps of RGB pictures with strictly rising times in seconds, from time zero on.

    Motion is smoothed while it is slow and, between two pictures, interpolated; before the first face
    that is seen it is zero.
    """
    with FaceTracker() as tracker:
        yield from _on_clock(_read_each(MotionReader(rest), tracker, pictures))


def rest_among(seen: F32) -> Neutral:
    """The face at rest among landmarks float32 [N, 478, 3] in pixels of one person's frames."""
    poses = [_Pose.of(points) for points in seen]
    frontal = np.stack([pose.undo(points) for pose, points in zip(poses, seen, strict=True)])
    chosen = np.argsort(_unrest(frontal))[: max(_MIN_REST, round(_REST_SHARE * len(seen)))]
    return to_neutral(_median(poses).apply(frontal[chosen].mean(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pose:
    """Where a face is in the picture, as a similarity from mean-face units to pixels."""

    scale: float
    rotation: F32
    offset: F32

    @classmethod
    def of(cls, points: F32) -> _Pose:
        whole = list(_RIGID)
        scale, rotation, offset = fit_similarity(mean_face().points[whole], points[whole])
        return cls(scale=scale, rotation=rotation, offset=offset)

    def undo(self, points: F32) -> F32:
        return ((points - self.offset) @ self.rotation / np.float32(self.scale)).astype(np.float32)

    def apply(self, points: F32) -> F32:
        return (self.scale * points @ self.rotation.T + self.offset).astype(np.float32)


def _median(poses: list[_Pose]) -> _Pose:
    """The pose that lies nearest to the medians of all of them."""
    numbers = np.array([(*rotation_angles(p.rotation), *(p.offset[:2] / p.scale)) for p in poses])
    away = np.abs(numbers - np.median(numbers, axis=0)).sum(1)
    return poses[int(away.argmin())]


def _unrest(faces: F32) -> F64:
    """How far each of the frontal faces [N, 478, 3] is from rest: [N]."""
    parted = _gap(faces, (13,), (14,))
    eyes = _gap(faces, (386, 159), (374, 145))
    brows = _gap(faces, (282, 295, 52, 65), (386, 385, 159, 158))
    width = np.linalg.norm(faces[:, 291] - faces[:, 61], axis=1)
    corners = faces[:, (61, 291), 1].mean(1) - faces[:, (13, 14), 1].mean(1)
    terms = (
        2 * np.maximum(parted - np.quantile(parted, 0.1), 0),
        2 * np.abs(eyes - np.quantile(eyes, _OPEN_EYES)),
        np.abs(brows - np.median(brows)),
        np.abs(width - np.median(width)),
        np.abs(corners - np.median(corners)),
    )
    return np.asarray(np.sum(terms, axis=0), np.float64)


def _gap(faces: F32, upper: tuple[int, ...], lower: tuple[int, ...]) -> F64:
    gap: F64 = faces[:, lower, 1].mean(1) - faces[:, upper, 1].mean(1)
    return gap


def _read_each(
    reader: MotionReader, tracker: FaceTracker, pictures: Iterable[tuple[float, U8]]
) -> Iterator[tuple[float, F32 | None]]:
    smoother = MotionSmoother()
    for time_s, pixels in pictures:
        points = tracker.read(pixels)
        yield time_s, None if points is None else smoother.push(time_s, reader.read(points))


def _on_clock(readings: Iterable[tuple[float, F32 | None]]) -> Iterator[ReadMotion]:
    """Interpolate readings at rising times to 25 fps; a lost face holds the last motion."""
    last_s, last, was_seen = -1.0, np.zeros(NUM_MOTION, np.float32), False
    frame = 0
    for time_s, reading in readings:
        now, is_seen = (last, False) if reading is None else (reading, True)
        if frame == 0:
            last, was_seen = now, is_seen
        while frame / FRAME_RATE_HZ <= time_s:
            share = (frame / FRAME_RATE_HZ - last_s) / (time_s - last_s)
            motion = (last + np.float32(share) * (now - last)).astype(np.float32)
            yield ReadMotion(motion=motion, is_seen=was_seen if share < 0.5 else is_seen)
            frame += 1
        last_s, last, was_seen = time_s, now, is_seen
