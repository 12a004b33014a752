"""Discs on black."""

from __future__ import annotations

import pytest
import torch

from models.personalive.front_end.config import DrawingConfig
from models.personalive.front_end.drawing import draw, drawn_points

CONFIG = DrawingConfig(points=(1, 0), colours=((255, 0, 0), (255, 51, 0)), radius=2)


def test_points_are_cut_towards_the_pictures_corner() -> None:
    keypoints = torch.tensor([[0.0, 0.0, 1.0], [-1.07, 0.98, 1.0]])
    assert drawn_points(CONFIG, keypoints, 32).tolist() == [[-1.0, 31.0], [16.0, 16.0]]


def test_a_disc_reaches_as_far_as_its_radius() -> None:
    lit = draw(CONFIG, torch.tensor([[5.0, 5.0], [5.0, 5.0]]), 11)[1] > 0
    assert lit.sum(dim=1).tolist() == [0, 0, 0, 1, 3, 5, 3, 1, 0, 0, 0]


def test_colours_add_where_discs_overlap_up_to_full_brightness() -> None:
    picture = draw(CONFIG, torch.tensor([[5.0, 5.0], [5.0, 5.0]]), 11)
    assert picture[:, 5, 5].tolist() == pytest.approx([1.0, 0.2, 0.0])


def test_discs_outside_of_the_picture_leave_it_black() -> None:
    assert not draw(CONFIG, torch.tensor([[-9.0, 5.0], [5.0, 40.0]]), 11).any()


def test_points_without_a_colour_are_refused() -> None:
    with pytest.raises(ValueError, match="2 points and 1 colours"):
        DrawingConfig(points=(0, 1), colours=((1, 2, 3),))
