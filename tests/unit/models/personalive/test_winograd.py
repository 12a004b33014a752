from __future__ import annotations

import pytest
import torch
from torch import nn

from models.personalive.config import tiny
from models.personalive.winograd import WinogradConv2d, convolve_by_tiles
from tests.unit.models.personalive import drawing, plain
from tests.unit.models.personalive.drawing import drawn


@pytest.mark.parametrize("shape", [(1, 5, 8, 8), (3, 5, 9, 7), (40, 5, 16, 6), (2, 5, 1, 1), (2, 5, 33, 40)])
@pytest.mark.parametrize("has_bias", [True, False])
@torch.inference_mode()
def test_tiles_equal_a_convolution_for_any_size_and_number_of_pictures(
    shape: tuple[int, int, int, int], has_bias: bool
) -> None:
    conv = drawn(nn.Conv2d(5, 6, 3, padding=1, bias=has_bias))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(WinogradConv2d(conv)(x), conv(x), rtol=1e-5, atol=2e-6)


def test_only_wide_padded_convolutions_by_three_are_replaced() -> None:
    kept = (
        nn.Conv2d(8, 7, 3, padding=1),
        nn.Conv2d(7, 8, 3, padding=1),
        nn.Conv2d(8, 8, 3, padding=1, stride=2),
        nn.Conv2d(8, 8, 3),
        nn.Conv2d(8, 8, 1),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"),
    )
    network = nn.Sequential(*kept, nn.Conv2d(8, 9, 3, padding=1))

    convolve_by_tiles(network, min_channels=8)

    assert [type(layer) for layer in network] == [nn.Conv2d] * len(kept) + [WinogradConv2d]


@torch.inference_mode()
def test_a_denoiser_that_convolves_by_tiles_computes_the_same_as_its_plain_twin() -> None:
    given = drawing.window(tiny().unet, rows=1, pictures=2)
    unet, tiled = drawing.denoising_unet(), drawing.denoising_unet()

    # All but the first and the last, which have fewer.
    convolve_by_tiles(tiled, min_channels=tiny().unet.latent_channels + 1)

    assert any(isinstance(module, WinogradConv2d) for module in tiled.modules())
    noise = tiled(given.latents, given.pose, drawing.conditions(tiled, given))
    expected = plain.denoise(unet, given)
    assert (noise - expected).abs().max() < 1e-5 * expected.abs().max()
