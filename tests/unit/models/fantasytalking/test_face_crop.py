from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.fantasytalking.face_crop import FIVE_POINTS, PLACES, align, crop_face

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)]


def _turned(places: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned: NDArray[np.float64] = 2 * (places - places.mean(axis=0)) @ turn.T + [250, 240]
    return turned


@pytest.mark.parametrize("degrees", [0, 30, -100])
def test_a_face_is_turned_upright_with_its_points_in_place(degrees: float) -> None:
    points = _turned(np.array(PLACES), degrees).astype(np.float32)
    landmarks = np.zeros((478, 3), np.float32)
    picture = np.zeros((500, 500, 3), np.uint8)
    for group, point, colour in zip(FIVE_POINTS, points, COLOURS, strict=True):
        landmarks[list(group), :2] = point
        cv2.circle(picture, point.round().astype(int).tolist(), 6, colour, -1)

    face = crop_face(picture, landmarks, side=112)

    assert face.shape == (1, 3, 112, 112)
    assert (float(face.min()), float(face.max())) == (-1.0, 1.0)
    for (x, y), colour in zip(PLACES, COLOURS, strict=True):
        seen = face[0, :, round(y), round(x)]
        assert ((seen > 0).int() * 255).tolist() == list(colour)


def test_a_crop_may_be_smaller() -> None:
    landmarks = np.random.default_rng(0).random((478, 3)).astype(np.float32) * 50
    picture = np.full((50, 50, 3), 255, np.uint8)

    assert crop_face(picture, landmarks, side=16).shape == (1, 3, 16, 16)


def test_the_alignment_is_the_similarity_with_the_least_squares() -> None:
    random = np.random.default_rng(3)
    points, places = random.random((2, 5, 2)) * 40
    best = align(points.astype(np.float32), places)

    def error(change: NDArray[np.float64]) -> float:
        factor, shift = best[:, 0] + change[:2], best[:, 2] + change[2:]
        matrix = np.array([[factor[0], -factor[1]], [factor[1], factor[0]]])
        return float(((points @ matrix.T + shift - places) ** 2).sum())

    least = error(np.zeros(4))
    assert all(error(0.01 * random.standard_normal(4)) > least for _ in range(50))


def test_points_at_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="all at one place"):
        align(np.ones((5, 2), np.float32), np.array(PLACES))
