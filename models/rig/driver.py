"""Motion of a filmed face: its face at rest is found first, then every frame is read on our clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ, NUM_MOTION
from models.rig.arrays import F32, U8
from models.rig.boxed import F64
from models.rig.geometry import rotation_angles
from models.rig.inverse import MotionReader
from models.rig.landmarks import NUM_LANDMARKS, FaceTracker, NoFaceError
from models.rig.neutral import Neutral, to_neutral

_MAX_SEEN: Final = 1500  # frames with a face that are looked at to find the face at rest
_MIN_REST: Final = 3
_REST_SHARE: Final = 0.12  # of the frames, the most restful, that are averaged
_OPEN_EYES: Final = 0.65  # quantile of lid aperture that counts as resting eyes


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
    seen: list[Neutral] = []
    with FaceTracker() as tracker:
        for frame in frames:
            points = tracker.read(frame)
            if points is not None:
                seen.append(to_neutral(points))
            if len(seen) == _MAX_SEEN:
                break
    if not seen:
        raise NoFaceError("no frame of the video shows a face")
    return rest_among(seen)


def read_motions(rest: Neutral, pictures: Iterable[tuple[float, U8]]) -> Iterator[ReadMotion]:
    """Motion at 25 fps of RGB pictures with strictly rising times in seconds, from time zero on.

    Between two pictures motion is interpolated; before the first face that is seen it is zero.
    """
    with FaceTracker() as tracker:
        yield from _on_clock(_read_each(MotionReader(rest), tracker, pictures))


def rest_among(seen: list[Neutral]) -> Neutral:
    """Average the most restful of at least one faces of the same person."""
    order = np.argsort(_unrest([face.points + _padded(face.parting) for face in seen]))
    chosen = order[: max(_MIN_REST, round(_REST_SHARE * len(seen)))]
    points = np.mean([seen[k].points for k in chosen], axis=0).astype(np.float32)
    middle = _median_pose(seen)
    return Neutral(
        points=points,
        parting=np.mean([seen[k].parting for k in chosen], axis=0).astype(np.float32),
        scale=middle.scale,
        rotation=middle.rotation,
        offset=middle.offset,
    )


def _padded(parting: F32) -> F32:
    """Displacements of the skin with still irises: [478, 3]."""
    return np.concatenate([parting, np.zeros((NUM_LANDMARKS - len(parting), 3), np.float32)])


def _unrest(faces: list[F32]) -> F64:
    """How far each of the frontal faces [478, 3] is from rest: [N]."""
    stack = np.stack(faces)
    parted = _gap(stack, (13,), (14,))
    eyes = _gap(stack, (386, 159), (374, 145))
    brows = _gap(stack, (282, 295, 52, 65), (386, 385, 159, 158))
    width = np.linalg.norm(stack[:, 291] - stack[:, 61], axis=1)
    corners = stack[:, (61, 291), 1].mean(1) - stack[:, (13, 14), 1].mean(1)
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


def _median_pose(seen: list[Neutral]) -> Neutral:
    """The face whose pose and size lie nearest to the medians of all of them."""
    poses = np.array([(*rotation_angles(f.rotation), *(f.offset[:2] / f.scale)) for f in seen])
    away = np.abs(poses - np.median(poses, axis=0)).sum(1)
    return seen[int(away.argmin())]


def _read_each(
    reader: MotionReader, tracker: FaceTracker, pictures: Iterable[tuple[float, U8]]
) -> Iterator[tuple[float, F32 | None]]:
    for time_s, pixels in pictures:
        points = tracker.read(pixels)
        yield time_s, None if points is None else reader.read(points)


def _on_clock(readings: Iterable[tuple[float, F32 | None]]) -> Iterator[ReadMotion]:
    """Interpolate readings at rising times to 25 fps; a lost face holds the last motion."""
    last_s, last, was_seen = 0.0, np.zeros(NUM_MOTION, np.float32), False
    frame = 0
    for time_s, reading in readings:
        held = last if reading is None else reading
        start = held if frame == 0 and not was_seen else last
        while frame / FRAME_RATE_HZ <= time_s:
            share = (frame / FRAME_RATE_HZ - last_s) / max(time_s - last_s, 1e-6)
            motion = start + np.float32(share) * (held - start)
            is_seen = was_seen if share < 0.5 else reading is not None
            yield ReadMotion(motion=motion, is_seen=is_seen)
            frame += 1
        last_s, last, was_seen = time_s, held, reading is not None
