"""Weights in eight bits: how small, and how far off."""

from __future__ import annotations

import torch
from torch import nn

from models.personalive.config import tiny
from models.personalive.float8 import Float8Conv, Float8Linear, Float8Weight, store_float8
from tests.unit.models.personalive import drawing


def test_a_weight_is_off_by_less_than_a_sixteenth_of_itself_or_of_the_least_step() -> None:
    weight = torch.randn(6, 5, 3, 3, generator=torch.Generator().manual_seed(0))
    kept = Float8Weight(weight)(weight)
    least = weight.abs().amax(dim=(1, 2, 3), keepdim=True) / 448 * 2**-9
    assert ((kept - weight).abs() <= (weight.abs() / 16).maximum(least) * 1.001).all()


def test_a_channel_of_zeros_stays_zero() -> None:
    assert not Float8Weight(torch.zeros(2, 3))(torch.ones(1)).any()


def test_the_noise_is_off_by_less_than_a_fifth_and_the_weights_take_a_byte() -> None:
    given = drawing.window(tiny().unet, rows=1, pictures=2)
    exact, approximate = drawing.denoising_unet(), drawing.denoising_unet()
    store_float8(approximate)

    expected = exact(given.latents, given.pose, drawing.conditions(exact, given))
    noise = approximate(given.latents, given.pose, drawing.conditions(approximate, given))

    error = ((noise - expected).square().mean() / expected.square().mean()).sqrt().item()
    assert 1e-3 < error < 0.2
    kinds = [type(module) for layer in approximate.trunk.layers() for module in layer.modules()]
    assert {Float8Linear, Float8Conv} <= set(kinds)
    assert not {nn.Conv2d} & set(kinds)


def test_halves_stay_halves() -> None:
    plain = nn.Conv2d(2, 4, 3, stride=2, padding=1).bfloat16()
    shown = Float8Conv(plain)(torch.ones(1, 2, 8, 8, dtype=torch.bfloat16))
    assert (shown.dtype, shown.shape) == (torch.bfloat16, (1, 4, 4, 4))
