"""Boxes of faces, and what is cut out."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from models.personalive.front_end.config import CropConfig
from models.personalive.front_end.face_crop import crop_faces, face_boxes, shows_face

BOXES = torch.tensor([[2, 3, 20, 31], [0, 0, 31, 31], [5, 9, 8, 11]])


def test_a_crop_equals_cutting_and_resizing() -> None:
    pictures = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    cut = [
        F.interpolate(picture[None, :, top:bottom, left:right], (24, 24), mode="bilinear")[0]
        for picture, (left, top, right, bottom) in zip(pictures, BOXES.tolist(), strict=True)
    ]
    torch.testing.assert_close(crop_faces(pictures, BOXES, 24), torch.stack(cut))


def test_an_empty_box_gives_a_picture_all_the_same() -> None:
    pictures = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    crop = crop_faces(pictures, torch.tensor([[31, 31, 31, 31]]), 8)
    assert torch.equal(crop, pictures[:, :, 31:, 31:].expand(-1, -1, 8, 8))


def test_a_box_is_clipped_to_the_picture() -> None:
    points = torch.tensor([[10.0, 0.0], [20.0, 30.0]])
    assert face_boxes(CropConfig(), points, 32).tolist() == [0, 0, 31, 31]


def test_a_head_outside_of_the_picture_shows_no_face() -> None:
    points = torch.tensor([[[900.0, 900.0], [920.0, 960.0]], [[200.0, 200.0], [240.0, 260.0]]])
    boxes = face_boxes(CropConfig(), points, 512)
    assert shows_face(CropConfig(), boxes, 512).tolist() == [False, True]


def test_points_that_are_no_numbers_make_a_box_within_the_picture() -> None:
    boxes = face_boxes(CropConfig(), torch.full((2, 2), torch.nan), 64)
    assert ((boxes >= 0) & (boxes < 64)).all()
