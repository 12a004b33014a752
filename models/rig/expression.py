"""Blendshape coefficients of a frontal face, by bounded least squares against its own blendshapes."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.motion import BLENDSHAPES, INDEX, NUM_BLENDSHAPES
from models.rig import topology as t
from models.rig.arrays import F32
from models.rig.blendshapes import displacements
from models.rig.boxed import F64, BoxedLeastSquares
from models.rig.sight import GAZE

_NOISE: Final = 0.02  # of a landmark, in outer eye corner distances, as if landmarks erred independently
_DEPTH: Final = 0.2  # weight of depth against the place in the picture
_USUAL: Final = 0.5  # spread of a coefficient among faces
_RARE: Final = 0.15  # the same for shapes that hide behind commoner ones
_RARELY: Final = (
    "jawForward", "cheekPuff", "mouthShrugLower", "mouthShrugUpper", "noseSneerLeft", "noseSneerRight",
    "mouthDimpleLeft", "mouthDimpleRight", "cheekSquintLeft", "cheekSquintRight",
    "eyeSquintLeft", "eyeSquintRight",
)  # fmt: skip
_LIDS: Final = (*t.LEFT_UPPER_LID, *t.LEFT_LOWER_LID, *t.RIGHT_UPPER_LID, *t.RIGHT_LOWER_LID)
_LIPS: Final = (*t.INNER_UPPER_LIP, *t.INNER_LOWER_LIP, *t.OUTER_UPPER_LIP, *t.OUTER_LOWER_LIP)
_BROWS: Final = (*t.LEFT_BROW_LOWER, *t.LEFT_BROW_UPPER)


class Expression:
    """One face's blendshapes, ready to be fitted."""

    def __init__(self, rest: F32) -> None:
        """rest: float32 [478, 3], frontal, lips closed, in mean-face units."""
        self._rest = rest[: t.NUM_VERTICES]
        self._shapes = displacements(rest)
        flat = self._shapes.astype(np.float64) * _weights()
        rows: F64 = flat.reshape(NUM_BLENDSHAPES, -1) / _NOISE
        self._to_slope = (rows.reshape(flat.shape) * _weights() / _NOISE).reshape(NUM_BLENDSHAPES, -1)
        self._gram = rows @ rows.T
        self._free = np.array([i for i in range(NUM_BLENDSHAPES) if i not in GAZE])
        prior = np.diag(1 / _spreads() ** 2)
        self._problem = BoxedLeastSquares((self._gram + prior)[np.ix_(self._free, self._free)])

    def displace(self, coefficients: F32) -> F32:
        """Displacements float32 [468, 3] of the skin."""
        moved: F32 = np.tensordot(coefficients, self._shapes, 1)
        return moved

    def solve(self, points: F32, gaze: F32, start: F32) -> F32:
        """Coefficients float32 [52] of frontal points [478, 3], given the gaze's own [52]."""
        moved = points[: t.NUM_VERTICES] - self._rest
        slope = self._to_slope @ moved.ravel() - self._gram @ gaze
        found = gaze.copy()
        found[self._free] = self._problem.solve(slope[self._free], start[self._free].astype(np.float64))
        return found


def _weights() -> F64:
    """Weight of every landmark and axis: [468, 3]."""
    weights = np.full((t.NUM_VERTICES, 3), 0.5)
    weights[list(t.FACE_OVAL)] = 0.25
    weights[[*_LIDS, *_LIPS]] = 1.0
    weights[:, 2] *= _DEPTH
    return weights


def _spreads() -> F64:
    spreads = np.full(NUM_BLENDSHAPES, _USUAL)
    spreads[[INDEX[name] for name in _RARELY]] = _RARE
    assert len(BLENDSHAPES) == len(spreads)
    return spreads
