"""Facts about least squares between bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from models.rig.boxed import F64, BoxedLeastSquares

SIZE = 12


@pytest.fixture
def rows() -> F64:
    return np.random.default_rng(0).standard_normal((40, SIZE))


def test_it_agrees_with_scipy(rows: F64) -> None:
    target = rows @ np.linspace(-1, 2, SIZE)
    low, high = np.zeros(SIZE), np.ones(SIZE)

    found = BoxedLeastSquares(rows.T @ rows, low, high).solve(rows.T @ target, np.zeros(SIZE))

    assert np.allclose(found, lsq_linear(rows, target, (low, high)).x, atol=1e-3)


def test_the_start_does_not_change_the_answer(rows: F64) -> None:
    problem = BoxedLeastSquares(rows.T @ rows, np.zeros(SIZE), np.ones(SIZE))
    slope = rows.T @ (rows @ np.linspace(-1, 2, SIZE))

    assert np.allclose(problem.solve(slope, np.zeros(SIZE)), problem.solve(slope, np.ones(SIZE)), atol=1e-3)


def test_unknowns_stay_between_their_bounds(rows: F64) -> None:
    low, high = np.full(SIZE, -0.5), np.full(SIZE, 0.25)

    found = BoxedLeastSquares(rows.T @ rows, low, high).solve(rows.T @ np.full(40, 9.0), np.zeros(SIZE))

    assert (found >= low).all()
    assert (found <= high).all()
