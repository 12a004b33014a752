"""The mask of the lips in latents."""

from __future__ import annotations

import numpy as np
import torch

from tests.unit.training.fantasytalking.people import SIZE, draw_clip
from training.fantasytalking.lips import lip_mask, to_latents


def test_the_mask_covers_the_lips_and_follows_them() -> None:
    clip = draw_clip(9, seed=0)
    mask = lip_mask(clip.landmarks, SIZE, SIZE)
    reddish = (clip.pictures[..., 0] == 150) & (clip.pictures[..., 1] == 30)
    assert mask.shape == (9, SIZE, SIZE)
    assert (mask.astype(bool) == reddish).mean() > 0.995
    assert 0 < mask.sum(axis=(1, 2)).min() < mask.sum(axis=(1, 2)).max() < 0.1 * SIZE**2


def test_lips_outside_of_the_picture_leave_the_mask_empty() -> None:
    assert lip_mask(draw_clip(1, seed=0).landmarks + 100, SIZE, SIZE).sum() == 0


def test_a_latent_has_the_share_of_lips_in_its_frames_and_pixels() -> None:
    mask = np.zeros((9, 16, 24), np.float32)
    mask[0, :8, :8] = 1
    mask[1:3, 8:, 16:20] = 1
    latents = to_latents(mask, stride=8, frames_per_latent=4)
    assert latents.shape == (3, 2, 3)
    expected = torch.zeros(3, 2, 3)
    expected[0, 0, 0] = 1
    expected[1, 1, 2] = 0.25
    assert torch.equal(latents, expected)
