"""How much a clip moves, measured, and ranked among the clips of a data set: the motion intensities."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.fantasytalking.clips import Points

Floats = NDArray[np.float32]
# Joints of MediaPipe's pose that DWPose has too: nose, eyes, ears, shoulders, elbows, wrists, hips, knees,
# ankles.
JOINTS: Final = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
SEEN: Final = 0.5
_QUANTILES: Final = 101


class Activity(NamedTuple):
    """Variances over time of a face's landmarks and of a body's joints, in squared sizes of the face."""

    face: float
    body: float


class Intensity(NamedTuple):
    """Motion intensities of face and body, from 0 to 1."""

    face: float
    body: float


def measure(points: Points) -> Activity:
    """Measure what the paper calls omega_l and omega_b (section 3.4), before they are scaled.

    Of a body only joints count that are seen for most of the time; where there are none, it does not move.
    """
    landmarks = points.landmarks[..., :2]
    side = float(np.median((landmarks.max(axis=1) - landmarks.min(axis=1)).max(axis=1)))
    joints = points.joints[:, list(JOINTS)]
    seen = np.median(joints[..., 2], axis=0) >= SEEN
    return Activity(_variance(landmarks, side), _variance(joints[:, seen, :2], side) if seen.any() else 0.0)


def windows(points: Points, frames: int) -> Iterator[Points]:
    """Yield parts of so many frames, each beginning in the middle of the one before."""
    for start in range(0, len(points.landmarks) - frames + 1, max(1, frames // 2)):
        here = slice(start, start + frames)
        yield Points(points.landmarks[here], points.joints[here])


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityScale:
    """Quantiles of activity in a data set, from the least to the most, evenly spaced in rank."""

    face: tuple[float, ...]
    body: tuple[float, ...]

    def rank(self, activity: Activity) -> Intensity:
        """Return the share of the data set that moves less."""
        return Intensity(_rank(activity.face, self.face), _rank(activity.body, self.body))

    def to_json(self) -> str:
        """Return the scale as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def fit_scale(activities: Iterable[Activity]) -> IntensityScale:
    """Return the scale of a data set. Raises ValueError when it is empty."""
    measured = np.array(list(activities))
    if not len(measured):
        raise ValueError("expected clips to measure, got none")
    face, body = np.quantile(measured, np.linspace(0, 1, _QUANTILES), axis=0).T.tolist()
    return IntensityScale(face=tuple(face), body=tuple(body))


def _variance(places: Floats, side: float) -> float:
    """Return the mean variance of places [T, N, 2]; a clip's way across the picture counts as motion."""
    return float((places / side).var(axis=0).sum(axis=-1).mean())


def _rank(value: float, quantiles: tuple[float, ...]) -> float:
    """Return the rank of a value; one that many share has the middle of their ranks."""
    rising, shares = np.array(quantiles), np.linspace(0, 1, len(quantiles))
    highest = np.interp(value, rising, shares)
    lowest = 1 - np.interp(-value, -rising[::-1], shares)
    return float((highest + lowest) / 2)
