"""Attention: rotation depends on distance, local windows on place."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.nn.attention import attend
from models.nn.modulation import Modulation, TimestepEmbedding, modulate
from models.nn.norm import RMSNorm
from models.nn.rotary import rotate, rotation


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same numbers whatever ran before."""
    torch.manual_seed(0)


def at(position: int) -> tuple[Tensor, Tensor]:
    return rotation(torch.tensor([position]), 16, 100.0)


def test_rotated_products_depend_only_on_distance() -> None:
    query, key = torch.randn(2, 1, 1, 1, 16).unbind(0)
    near = rotate(query, at(7)) * rotate(key, at(3))
    far = rotate(query, at(47)) * rotate(key, at(43))
    torch.testing.assert_close(near.sum(), far.sum(), atol=1e-4, rtol=1e-4)


def test_a_masked_key_is_not_read() -> None:
    query, key, value = torch.randn(3, 1, 2, 2, 8).unbind(0)
    mask = torch.tensor([[True, False], [True, False]])
    changed = torch.cat((value[:, :1], value[:, 1:] + 5), dim=1)
    torch.testing.assert_close(attend(query, key, value, mask), attend(query, key, changed, mask))


def test_a_normalised_vector_has_unit_mean_square() -> None:
    normed = RMSNorm(32)(torch.randn(4, 32) * 7)
    torch.testing.assert_close(normed.square().mean(-1), torch.ones(4), atol=1e-3, rtol=1e-3)


def test_neutral_modulation_changes_nothing() -> None:
    x, zero, one = torch.randn(2, 3, 4), torch.zeros(4), torch.ones(4)
    assert torch.equal(modulate(x, Modulation(zero, one, one)), x)


def test_noise_levels_are_told_apart() -> None:
    embedding = TimestepEmbedding(frequencies=8, dim=16)
    clean, noisy = embedding(torch.tensor([0.0, 1.0]))
    assert not torch.allclose(clean, noisy)
