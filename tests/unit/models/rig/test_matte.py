"""Facts about the matte, on a portrait of the public domain and on pictures drawn here."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import skimage.data

from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.face import mean_face
from models.rig.landmarks import find_faces
from models.rig.matte import person_matte


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    image: U8
    points: F32
    matte: U8


@pytest.fixture(scope="module")
def astronaut() -> Portrait:
    image = np.ascontiguousarray(skimage.data.astronaut()[:320, 60:380])  # type: ignore[no-untyped-call]  # no stubs
    points = find_faces(image)[0].points
    return Portrait(image=image, points=points, matte=person_matte(image, points))


def oval(points: F32, shape: tuple[int, ...]) -> U8:
    area = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(area, [np.round(points[list(t.FACE_OVAL), :2]).astype(np.int32)], 1)
    return area


def face_at(x: float, y: float, size: float) -> F32:
    """The landmarks of a frontal face whose outer eye corners are size pixels apart."""
    return np.asarray(mean_face().points * size + np.array([x, y, 0]), np.float32)


def test_the_whole_face_belongs_to_the_person(astronaut: Portrait) -> None:
    inner = cv2.erode(oval(astronaut.points, astronaut.image.shape), np.ones((11, 11), np.uint8)) > 0
    assert astronaut.matte[inner].min() > 250


def test_hair_and_shoulders_belong_to_the_person(astronaut: Portrait) -> None:
    hair, suit = astronaut.matte[24, 165], astronaut.matte[300, 100]
    assert min(hair, suit) > 250


def test_the_wall_does_not_belong_to_the_person(astronaut: Portrait) -> None:
    assert astronaut.matte[:120, :60].max() == 0
    assert astronaut.matte[:120, -60:].max() == 0


def test_the_outline_is_soft(astronaut: Portrait) -> None:
    between = (astronaut.matte > 20) & (astronaut.matte < 235)
    assert 0.002 < between.mean() < 0.05


def test_the_same_picture_gives_the_same_matte(astronaut: Portrait) -> None:
    assert np.array_equal(person_matte(astronaut.image, astronaut.points), astronaut.matte)


def test_a_person_apart_is_left_out(astronaut: Portrait) -> None:
    head = astronaut.image[:190, 70:250]
    wall = np.full((190, 60, 3), np.median(astronaut.image[:60, :40], axis=(0, 1)), np.uint8)
    image = np.ascontiguousarray(np.concatenate([head, wall, head[:, ::-1]], axis=1))
    matte = person_matte(image, astronaut.points - np.array([70, 0, 0], np.float32))
    assert matte[:, :180].mean() > 60
    assert matte[:, 240:].max() == 0


def test_a_face_the_network_does_not_know_gets_a_head_and_shoulders() -> None:
    image = np.full((256, 256, 3), (90, 140, 150), np.uint8)
    points = face_at(128, 110, 60)
    matte = person_matte(image, points)
    low = points[:, :2].max(0)
    assert matte[110, 128] == 255
    assert matte[min(250, int(low[1]) + 40), 128] > 200
    assert matte[5, 5] == matte[5, 250] == 0


@pytest.mark.parametrize("shape", [(64, 64), (48, 300), (300, 48)])
def test_pictures_of_any_shape_have_a_matte_of_their_size(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 128, np.uint8)
    assert person_matte(image, face_at(shape[1] / 2, shape[0] / 2, 20)).shape == shape


def test_a_face_partly_outside_the_picture_is_no_error() -> None:
    image = np.full((128, 128, 3), 128, np.uint8)
    assert person_matte(image, face_at(2, 2, 50)).shape == (128, 128)
