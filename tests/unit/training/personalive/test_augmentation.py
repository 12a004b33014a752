"""Driving faces are stretched, bent, recoloured and roughened, all frames of a row alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from training.personalive.augmentation import augment, warp
from training.personalive.config import AugmentationConfig

NOTHING = AugmentationConfig(stretch=1, colour=0, bend=0, noise=0)


def faces() -> Tensor:
    """Return the same picture in two rows of three frames."""
    picture = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8
    return picture.expand(2, 3, -1, -1, -1)


def changed(config: AugmentationConfig) -> Tensor:
    return augment(faces(), config, torch.Generator().manual_seed(0))


def test_nothing_changes_where_nothing_may() -> None:
    assert torch.allclose(changed(NOTHING), faces(), atol=1e-5)


@pytest.mark.parametrize(
    "change", [replace(NOTHING, stretch=1.3), replace(NOTHING, colour=0.3), replace(NOTHING, bend=0.06)]
)
def test_a_change_is_the_same_in_all_frames_of_a_row_alone(change: AugmentationConfig) -> None:
    made = changed(change)
    assert torch.allclose(made[:, 0], made[:, 2], atol=1e-6)
    assert (made - faces()).abs().mean() > 0.01
    assert (made[0] - made[1]).abs().mean() > 0.005


def test_noise_differs_between_frames() -> None:
    made = changed(replace(NOTHING, noise=0.1))
    assert (made[0, 0] - made[0, 1]).abs().mean() > 0.005


def test_faces_stay_within_bounds() -> None:
    assert changed(AugmentationConfig(colour=0.9, noise=1)).abs().max() <= 1


def test_a_stretch_is_along_one_axis_and_bounded() -> None:
    grid = warp(64, 16, replace(NOTHING, stretch=1.3), torch.Generator().manual_seed(0))
    reach = grid.abs().amax(dim=(1, 2)) / (15 / 16)
    assert torch.allclose(reach.amin(dim=1), torch.ones(64))
    assert 1.2 < reach.max() <= 1.3
    assert (reach.argmax(dim=1) == 0).any()
    assert (reach.argmax(dim=1) == 1).any()
