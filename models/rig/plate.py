"""The face's skin as a thin plate: a few vertices are moved and the rest follows smoothly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from models.rig.arrays import I32

Handles = dict[int, NDArray[np.float64]]

_STIFFNESS: Final = 1e4  # how hard a handle pulls, relative to the smoothness term
_MIN_LENGTH: Final = 0.01
_STILL: Final = np.zeros(3)


class Plate:
    """The bi-Laplacian energy of one face's mesh, weighted by inverse edge length."""

    def __init__(self, points: NDArray[np.float64], triangles: I32) -> None:
        edges = np.unique(np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
        lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
        weights = 0.05 / np.maximum(lengths, _MIN_LENGTH)
        laplacian = np.zeros((len(points), len(points)))
        laplacian[edges[:, 0], edges[:, 1]] = -weights
        laplacian[edges[:, 1], edges[:, 0]] = -weights
        laplacian[np.diag_indices(len(points))] = -laplacian.sum(1)
        self._energy = laplacian @ laplacian + 1e-6 * np.eye(len(points))

    def spread(self, handles: Handles, still: Iterable[int] = ()) -> NDArray[np.float64]:
        """Displacements [V, 3] of all vertices, given those of some [3] each and some that stay."""
        moving = dict.fromkeys(still, _STILL) | handles
        rows = np.fromiter(moving, int)
        system = self._energy.copy()
        system[rows, rows] += _STIFFNESS
        target = np.zeros((len(system), 3))
        target[rows] = _STIFFNESS * np.array(list(moving.values()))
        solved: NDArray[np.float64] = cho_solve(cho_factor(system), target)
        return solved
