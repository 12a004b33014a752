"""Where the eyes look, from the irises' place between the corners of the eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import INDEX, NUM_BLENDSHAPES
from models.rig import topology as t
from models.rig.arrays import F32

_ASIDE: Final = 0.062  # travel of an iris at coefficient one, in mean-face units
_UPWARD: Final = 0.036
_DOWNWARD: Final = 0.042
_SHUT: Final = 0.3  # of the resting lid aperture; an eye shut further shows no gaze


@dataclass(frozen=True, slots=True, kw_only=True)
class _Eye:
    side: str
    outer: int
    inner: int
    iris: int
    upper: tuple[int, ...]
    lower: tuple[int, ...]


_EYES: Final = (
    _Eye(side="Left", outer=263, inner=362, iris=473, upper=t.LEFT_UPPER_LID, lower=t.LEFT_LOWER_LID),
    _Eye(side="Right", outer=33, inner=133, iris=468, upper=t.RIGHT_UPPER_LID, lower=t.RIGHT_LOWER_LID),
)


class Sight:
    """Reads the eight eyeLook coefficients of one face, whose eyes at rest look ahead."""

    def __init__(self, rest: F32) -> None:
        """rest: float32 [478, 3], frontal."""
        self._rest = [_iris_place(rest, eye) for eye in _EYES]
        self._aperture = [_aperture(rest, eye) for eye in _EYES]

    def read(self, points: F32, last: F32) -> F32:
        """Coefficients float32 [52], zero but for the gaze, of frontal points [478, 3].

        Both eyes look at one place, so their views are averaged by how open they are; where both are
        shut the gaze of the last motion [>= 52] stays.
        """
        trust = np.array([self._trust(points, k) for k in range(2)])
        if trust.sum() <= 0:
            return _only_gaze(last)
        moved = np.array([_iris_place(points, eye) for eye in _EYES]) - np.array(self._rest)
        to_left = float(trust @ (moved[:, 0] * np.array([1, -1]))) / float(trust.sum())
        down = float(trust @ moved[:, 1]) / float(trust.sum())
        gaze = np.zeros(NUM_BLENDSHAPES, np.float32)
        gaze[INDEX["eyeLookOutLeft"]] = to_left / _ASIDE
        gaze[INDEX["eyeLookInRight"]] = to_left / _ASIDE
        gaze[INDEX["eyeLookInLeft"]] = -to_left / _ASIDE
        gaze[INDEX["eyeLookOutRight"]] = -to_left / _ASIDE
        for side in ("Left", "Right"):
            gaze[INDEX[f"eyeLookDown{side}"]] = down / _DOWNWARD
            gaze[INDEX[f"eyeLookUp{side}"]] = -down / _UPWARD
        return np.clip(gaze, 0, 1)

    def _trust(self, points: F32, k: int) -> float:
        openness = _aperture(points, _EYES[k]) / max(self._aperture[k], 1e-3)
        return float(np.clip((openness - _SHUT) / (1 - _SHUT), 0, 1))


GAZE: Final = tuple(i for name, i in INDEX.items() if name.startswith("eyeLook"))


def _only_gaze(motion: F32) -> F32:
    gaze = np.zeros(NUM_BLENDSHAPES, np.float32)
    gaze[list(GAZE)] = motion[list(GAZE)]
    return gaze


def _iris_place(points: F32, eye: _Eye) -> tuple[float, float]:
    """The iris relative to the middle of the eye's corners: outward and down along the eye's own axes."""
    corners = points[[eye.inner, eye.outer], :2]
    across = (corners[1] - corners[0]) / np.linalg.norm(corners[1] - corners[0])
    away = points[eye.iris, :2] - corners.mean(0)
    down = np.array([-across[1], across[0]]) * np.sign(across[0])
    return float(away @ across), float(away @ down)


def _aperture(points: F32, eye: _Eye) -> float:
    """Mean distance of the lids over the width of the eye."""
    gaps = points[list(eye.lower[2:-2]), 1] - points[list(eye.upper[2:-2]), 1]
    width = np.hypot(*(points[eye.outer, :2] - points[eye.inner, :2]))
    return float(gaps.mean() / width)
