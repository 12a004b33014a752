from __future__ import annotations

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.upsampling import Upsample2D
from torch import nn

from models.personalive.folding import PhaseDoubling, fold
from tests.unit.models.personalive.drawing import drawn


def _picture(height: int, width: int) -> torch.Tensor:
    return torch.randn(2, 6, height, width, generator=torch.Generator().manual_seed(0))


def test_doubling_by_phases_equals_doubling_and_a_convolution() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(Upsample2D(6, use_conv=True, out_channels=4)).requires_grad_(requires_grad=False)
    x = _picture(3, 5)
    expected = network(x)

    fold(network)

    assert isinstance(network[0], PhaseDoubling)
    torch.testing.assert_close(network(x), expected, rtol=1e-5, atol=1e-6)


def test_a_folded_autoencoder_decodes_the_same() -> None:
    autoencoder: AutoencoderKL = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=4,
    )
    drawn(autoencoder)
    latents = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = autoencoder.decode(latents).sample

    fold(autoencoder)

    assert any(isinstance(module, PhaseDoubling) for module in autoencoder.modules())
    torch.testing.assert_close(autoencoder.decode(latents).sample, expected, rtol=1e-5, atol=1e-5)


def test_doubling_without_a_convolution_is_left_alone() -> None:
    network = nn.Sequential(Upsample2D(6))

    fold(network)

    assert isinstance(network[0], Upsample2D)


def test_a_convolution_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a padded 3x3 convolution"):
        PhaseDoubling(nn.Conv2d(4, 4, 5, padding=2))
