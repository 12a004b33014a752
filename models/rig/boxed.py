"""Least squares with every unknown kept between bounds."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_MAX_STEPS: Final = 300
_TOLERANCE: Final = 3e-5  # largest change of an unknown in a step


class BoxedLeastSquares:
    """Solves min over low <= x <= high of x' G x / 2 - b' x for one positive definite G float64 [N, N].

    Projected gradient with momentum, restarted when it overshoots (Beck and Teboulle 2009; O'Donoghue and
    Candes 2015): a few matrix-vector products from a warm start.
    """

    def __init__(self, gram: F64, low: F64, high: F64) -> None:
        # A diagonal change of unknowns keeps the box a box and makes the steps even.
        self._spread = 1 / np.sqrt(np.diag(gram))
        even = gram * np.outer(self._spread, self._spread)
        self._step = 1 / float(np.linalg.eigvalsh(even)[-1])
        self._descend = np.eye(len(gram)) - self._step * even
        self._low, self._high = low / self._spread, high / self._spread

    def solve(self, slope: F64, start: F64) -> F64:
        """Return x float64 [N] for b = slope [N], beginning at start [N]."""
        pull = self._step * slope * self._spread
        x = ahead = start / self._spread
        momentum = 1.0
        for _ in range(_MAX_STEPS):
            new = np.minimum(np.maximum(self._descend @ ahead + pull, self._low), self._high)
            change = new - x
            if (ahead - new) @ change > 0:
                momentum = 1.0
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            ahead = new + (momentum - 1) / following * change
            x, momentum = new, following
            if (np.abs(change) * self._spread).max() < _TOLERANCE:
                break
        return x * self._spread
