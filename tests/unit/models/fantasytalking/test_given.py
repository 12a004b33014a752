from __future__ import annotations

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.decoding import decode
from models.fantasytalking.given import denormalise, first_frame_mask, given_latents, normalise

# Down by 8, in two stages also in time by 4, as the published autoencoder; 4 channels and hardly any width.
MEAN, STD = [0.1, -0.2, 0.3, 0.0], [1.5, 2.0, 0.5, 1.0]


@pytest.fixture(scope="module")
def vae() -> AutoencoderKLWan:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae: AutoencoderKLWan = AutoencoderKLWan(
            base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=MEAN, latents_std=STD
        )
    vae.eval().requires_grad_(requires_grad=False)
    return vae


def test_the_mask_marks_the_first_latent_frame() -> None:
    mask = first_frame_mask(17, 64, 48, ClipConfig())

    assert mask.shape == (4, 5, 8, 6)
    assert mask[:, 0].all()
    assert not mask[:, 1:].any()


def test_the_portrait_is_given_in_front_of_grey(vae: AutoencoderKLWan) -> None:
    frame = torch.rand(3, 16, 24, generator=torch.Generator().manual_seed(1))
    video = torch.zeros(1, 3, 5, 16, 24)
    video[0, :, 0] = frame

    given = given_latents(vae, frame, 5, ClipConfig())

    latent = vae.encode(video).latent_dist.mean
    expected = (latent - torch.tensor(MEAN).view(1, 4, 1, 1, 1)) / torch.tensor(STD).view(1, 4, 1, 1, 1)
    assert given.shape == (1, 4 + 4, 2, 2, 3)
    torch.testing.assert_close(given[:, 4:], expected)
    torch.testing.assert_close(given[0, :4], first_frame_mask(5, 16, 24, ClipConfig()))


def test_latents_are_normalised_and_back(vae: AutoencoderKLWan) -> None:
    latents = torch.randn(1, 4, 2, 2, 2, generator=torch.Generator().manual_seed(2))

    torch.testing.assert_close(denormalise(vae, normalise(vae, latents)), latents)


def test_pieces_of_a_video_decode_to_the_whole(vae: AutoencoderKLWan) -> None:
    latents = torch.randn(1, 4, 4, 2, 2, generator=torch.Generator().manual_seed(3))

    pictures = list(decode(vae, [latents[:, :, :1], latents[:, :, 1:3], latents[:, :, 3:]]))

    whole = vae.decode(denormalise(vae, latents)).sample
    assert [picture.shape[2] for picture in pictures] == [1, 4, 4, 4]
    torch.testing.assert_close(torch.cat(pictures, dim=2), whole)
