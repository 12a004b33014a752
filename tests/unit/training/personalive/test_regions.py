"""Boxes of a face and its parts, and how much each place of it counts."""

from __future__ import annotations

import numpy as np
import torch

from training.personalive.regions import masks, regions_of


def face_points() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    random = np.random.default_rng(0)
    return (40 + 20 * random.random((478, 3))).astype(np.float32)


def test_a_face_is_square_and_holds_its_parts() -> None:
    face, *parts = regions_of(face_points(), 100)
    assert face[2] - face[0] == face[3] - face[1] == 22
    for part in parts:
        assert (part[:2] >= face[:2] - 1).all()
        assert (part[2:] <= face[2:] + 1).all()


def test_a_face_beyond_the_edge_is_cut_and_not_empty() -> None:
    for shift in (-60, 70):
        corners = regions_of(face_points() + np.float32(shift), 100)
        assert corners.min() >= 0
        assert corners.max() <= 100
        assert (corners[:, 2:] > corners[:, :2]).all()


def test_eyes_and_mouth_count_twice_and_the_background_not_at_all() -> None:
    regions = torch.tensor([[[2, 2, 8, 8], [3, 3, 5, 4], [3, 6, 6, 7]]])
    mask = masks(regions, 10, 10)[0, 0]
    assert mask[0].sum() == 0
    assert mask[2, 2] == 1
    assert mask[3, 3] == mask[6, 5] == 2
    assert mask.sum() == 36 + 2 + 3


def test_a_mask_of_latents_covers_the_same_places() -> None:
    regions = torch.tensor([[[16, 0, 32, 16]] * 3])
    assert masks(regions, 32, 4)[0, 0].nonzero().tolist() == [[0, 2], [0, 3], [1, 2], [1, 3]]
