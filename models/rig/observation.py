"""What of a frontal face tells its motion: the numbers that the rig's inverse compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import POSE
from models.rig import topology as t
from models.rig.arrays import F32
from models.rig.face import mean_face


@dataclass(frozen=True, slots=True, kw_only=True)
class _Eye:
    outer: int
    inner: int
    iris: int
    upper: tuple[int, ...]
    lower: tuple[int, ...]


_EYES: Final = (
    _Eye(outer=263, inner=362, iris=473, upper=t.LEFT_UPPER_LID, lower=t.LEFT_LOWER_LID),
    _Eye(outer=33, inner=133, iris=468, upper=t.RIGHT_UPPER_LID, lower=t.RIGHT_LOWER_LID),
)
_USUAL_APERTURE: Final = 0.09  # of an eye at rest, in mean-face units
_MIN_APERTURE: Final = 0.03
_LIPS: Final = (
    *t.OUTER_UPPER_LIP, *t.OUTER_LOWER_LIP, *t.INNER_UPPER_LIP, *t.INNER_LOWER_LIP,
    *(v for row in (*t.MIDDLE_UPPER_LIP, *t.MIDDLE_LOWER_LIP) for v in row),
)  # fmt: skip
_LIDS: Final = (*t.LEFT_UPPER_LID, *t.LEFT_LOWER_LID, *t.RIGHT_UPPER_LID, *t.RIGHT_LOWER_LID)
_BROWS: Final = (
    *t.LEFT_BROW_LOWER, *t.LEFT_BROW_UPPER, 46, 53, 52, 65, 55, 70, 63, 105, 66, 107,
)  # fmt: skip
# Chin, nose, brow's root, forehead, cheeks.
_SKIN: Final = (152, 148, 377, 176, 400, 1, 4, 98, 327, 2, 168, 6, 10, 280, 50, 425, 205)

LANDMARKS: Final = tuple(sorted({*_LIPS, *_LIDS, *_BROWS, *_SKIN}))
NUM_OBSERVED: Final = 2 * len(LANDMARKS) + 2 * len(_EYES) + len(POSE)


class Observer:
    """Describes a face by how it differs from its own rest."""

    def __init__(self, rest: F32) -> None:
        """rest: float32 [478, 3], frontal, in mean-face units."""
        self._rest = rest
        self._irises = _irises(rest)
        self._stretch = np.ones((len(rest), 1), np.float32)
        for eye in _EYES:
            gap = rest[list(eye.lower[2:-2]), 1] - rest[list(eye.upper[2:-2]), 1]
            self._stretch[[*eye.upper, *eye.lower]] = _USUAL_APERTURE / max(float(gap.mean()), _MIN_APERTURE)

    def observe(self, frontal: F32, pose: F32) -> F32:
        """Return float32 [NUM_OBSERVED] for a face [478, 3] freed of a pose float32 [6] as it was fitted.

        Displacements of LANDMARKS in the picture plane (those of lids as if every eye were equally open
        at rest), travel of the left and the right iris between the corners of the eyes, the pose.
        """
        moved = (frontal - self._rest) * self._stretch
        return np.concatenate([moved[list(LANDMARKS), :2].ravel(), _irises(frontal) - self._irises, pose])


def mirrored(observed: F32) -> F32:
    """Observations float32 [..., NUM_OBSERVED] of the same faces seen in a mirror."""
    place = {vertex: k for k, vertex in enumerate(LANDMARKS)}
    other = [place[int(mean_face().mirror[vertex])] for vertex in LANDMARKS]
    lead, count = observed.shape[:-1], 2 * len(LANDMARKS)
    moved = observed[..., :count].reshape(*lead, -1, 2)[..., other, :] * np.array([-1, 1], np.float32)
    irises = observed[..., count : count + 4][..., [2, 3, 0, 1]]
    pose = observed[..., count + 4 :] * np.array([1, -1, -1, -1, 1, 1], np.float32)
    return np.concatenate([moved.reshape(*lead, count), irises, pose], axis=-1)


def _irises(points: F32) -> F32:
    """Each iris from the middle of its eye's corners: outward and down along the eye's own axes; [4]."""
    places: list[float] = []
    for eye in _EYES:
        corners = points[[eye.inner, eye.outer], :2]
        across = (corners[1] - corners[0]) / np.linalg.norm(corners[1] - corners[0])
        down = np.array([-across[1], across[0]]) * np.sign(across[0])
        away = points[eye.iris, :2] - corners.mean(0)
        places += [float(away @ across), float(away @ down)]
    return np.array(places, np.float32)
