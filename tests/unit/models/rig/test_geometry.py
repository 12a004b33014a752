"""Rotations and fits agree with the conventions of the motion frame."""

from __future__ import annotations

import numpy as np
import pytest

from models.rig.geometry import fit_similarity, rotation_angles, rotation_matrix


@pytest.mark.parametrize("angles", [(0.1, 0.2, 0.3), (-0.4, 0.5, -0.1), (0.0, -0.3, 0.2)])
def test_angles_come_back_from_their_rotation(angles: tuple[float, float, float]) -> None:
    assert rotation_angles(rotation_matrix(*angles)) == pytest.approx(angles, abs=1e-6)


def test_positive_angles_look_down_turn_right_and_lean_clockwise() -> None:
    nose, crown = np.array([0, 0, -1.0]), np.array([0, -1.0, 0])
    assert (rotation_matrix(0.3, 0, 0) @ nose)[1] > 0
    assert (rotation_matrix(0, 0.3, 0) @ nose)[0] > 0
    assert (rotation_matrix(0, 0, 0.3) @ crown)[0] > 0


def test_a_similarity_is_recovered_exactly() -> None:
    source = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    turn = rotation_matrix(0.2, -0.4, 0.1)
    scale, rotation, offset = fit_similarity(source, 3 * source @ turn.T + np.array([1, 2, 3], np.float32))
    assert scale == pytest.approx(3, rel=1e-5)
    np.testing.assert_allclose(rotation, turn, atol=1e-5)
    np.testing.assert_allclose(offset, [1, 2, 3], atol=1e-4)
