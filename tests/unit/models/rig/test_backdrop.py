"""Facts about what is put behind a person and the colours the person keeps."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.rig.arrays import F32, U8
from models.rig.backdrop import fill_backdrop, foreground

SIDE = 256
SKIN = np.array([220, 60, 40])


def disc(softness: float = 0.0) -> U8:
    """A matte of a disc in the middle, a quarter of the picture in radius."""
    matte = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(matte, (SIDE // 2, SIDE // 2), SIDE // 4, 255.0, -1)
    if softness > 0:
        matte = np.asarray(cv2.GaussianBlur(matte, (0, 0), softness), np.float32)
    return np.asarray(np.round(matte), np.uint8)


def over(matte: U8, wall: F32) -> U8:
    """A picture of a skin-coloured person before a wall float32 [H, W, 3]."""
    return composite(np.broadcast_to(SKIN, wall.shape).astype(np.float32), matte, wall)


def composite(person: F32, matte: U8, wall: F32) -> U8:
    share = (matte.astype(np.float32) / 255)[..., None]
    return np.asarray(np.clip(np.round(share * person + (1 - share) * wall), 0, 255), np.uint8)


def plain_wall() -> F32:
    return np.full((SIDE, SIDE, 3), (90, 140, 150), np.float32)


def test_a_plain_wall_goes_on_behind_the_person() -> None:
    matte = disc(softness=2)
    filled = fill_backdrop(over(matte, plain_wall()), matte)
    assert np.abs(filled - plain_wall()).max() <= 3


def test_the_picture_is_unchanged_away_from_the_person() -> None:
    wall = plain_wall() + np.random.default_rng(0).normal(0, 6, (SIDE, SIDE, 1)).astype(np.float32)
    matte = disc()
    image = over(matte, wall)
    filled = fill_backdrop(image, matte)
    away = cv2.dilate(matte, np.ones((31, 31), np.uint8)) == 0
    assert (filled[away] == image[away]).mean() > 0.99


def test_the_grain_of_the_wall_goes_on_beside_the_outline() -> None:
    wall = plain_wall() + np.random.default_rng(0).normal(0, 8, (SIDE, SIDE, 1)).astype(np.float32)
    matte = disc()
    filled = fill_backdrop(over(matte, wall), matte).astype(np.float32)
    inner = cv2.erode(matte, np.ones((21, 21), np.uint8))
    strip = (matte > 0) & (inner == 0)
    grain = filled - cv2.GaussianBlur(filled, (0, 0), 4)
    assert 4 < grain[strip].std() < 10


def test_a_horizon_goes_straight_through() -> None:
    wall = plain_wall()
    wall[: SIDE // 2] = (200, 210, 220)
    matte = disc()
    filled = fill_backdrop(over(matte, wall), matte).astype(np.float32)
    middle = SIDE // 2
    assert np.abs(filled[middle - 30, middle] - (200, 210, 220)).max() < 12
    assert np.abs(filled[middle + 30, middle] - (90, 140, 150)).max() < 12


def test_a_strand_of_hair_outside_the_matte_is_taken_out() -> None:
    matte = disc()
    image = over(matte, plain_wall())
    strand = slice(112, 144), slice(SIDE // 2 + SIDE // 4 + 5, SIDE // 2 + SIDE // 4 + 7)
    image[strand] = (40, 30, 20)
    filled = fill_backdrop(image, matte)
    assert np.abs(filled[strand] - plain_wall()[strand]).max() < 10


@pytest.mark.parametrize("level", [0, 255])
def test_a_picture_without_outline_is_its_own_backdrop(level: int) -> None:
    image = over(disc(), plain_wall())
    matte = np.full((SIDE, SIDE), level, np.uint8)
    assert np.array_equal(fill_backdrop(image, matte), image)


def test_person_over_backdrop_is_the_picture() -> None:
    wall = plain_wall() + np.random.default_rng(0).normal(0, 4, (SIDE, SIDE, 1)).astype(np.float32)
    matte = disc(softness=3)
    image = over(matte, wall)
    backdrop = fill_backdrop(image, matte)
    person = foreground(image, matte, backdrop)
    again = composite(person.astype(np.float32), matte, backdrop.astype(np.float32))
    assert np.abs(again.astype(np.float32) - image).mean() < 0.5


def test_the_wall_does_not_tint_the_rim_of_the_person() -> None:
    matte = disc(softness=3)
    image = over(matte, plain_wall())
    person = foreground(image, matte, fill_backdrop(image, matte))
    rim = (matte > 60) & (matte < 250)
    assert np.abs(person[rim] - SKIN).mean() < 4


def test_the_colours_of_the_person_go_on_beyond_the_matte() -> None:
    matte = disc(softness=2)
    image = over(matte, plain_wall())
    person = foreground(image, matte, fill_backdrop(image, matte))
    beyond = (matte == 0) & (cv2.dilate(matte, np.ones((9, 9), np.uint8)) > 0)
    assert np.abs(person[beyond] - SKIN).max() < 20


def test_a_faint_matte_leaves_the_picture_as_it_is() -> None:
    image = over(disc(), plain_wall())
    matte = np.full((SIDE, SIDE), 100, np.uint8)
    assert np.array_equal(foreground(image, matte, image), image)
