from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModel, Wav2Vec2Config, Wav2Vec2Model

from models.fantasytalking.config import FantasyTalkingConfig, SamplerConfig, tiny
from models.fantasytalking.long_video import Finished
from models.fantasytalking.network import Context, FantasyTalking
from models.fantasytalking.performance import AS_RELEASED, Encoders, Nature, Prompt, imagine, perform
from models.fantasytalking.sampler import Velocity, guide
from tests.unit.models.fantasytalking.scenes import make_network

PORTRAIT = np.random.Generator(np.random.PCG64(5)).integers(0, 256, (24, 30, 3), dtype=np.uint8)
PROMPT = Prompt(
    text=torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(6)), negative=torch.zeros(1, 8, 16)
)


@pytest.fixture(scope="module")
def config() -> FantasyTalkingConfig:
    """The tiny variant at 32x32, for the four channels of the tiny autoencoder."""
    tiny_clip = replace(tiny().clip, longest_edge=32)
    backbone = replace(tiny().backbone, latent_channels=4)
    return replace(tiny(), clip=tiny_clip, backbone=backbone, sampler=SamplerConfig(steps=1))


@pytest.fixture(scope="module")
def network(config: FantasyTalkingConfig) -> FantasyTalking:
    return make_network(config)


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        speech = Wav2Vec2Model(
            Wav2Vec2Config(
                hidden_size=12,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=16,
                conv_dim=(8,) * 7,
                num_conv_pos_embeddings=4,
                num_conv_pos_embedding_groups=2,
            )
        )
        image = CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=16,
                image_size=224,
                patch_size=56,
            )
        )
        autoencoder: AutoencoderKLWan = AutoencoderKLWan(
            base_dim=4,
            z_dim=4,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        )
    for encoder in (speech, image, autoencoder):
        encoder.eval()
    return Encoders(speech=speech, image=image, autoencoder=autoencoder)


def _speech(samples: int, seed: int = 1) -> Tensor:
    return torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def _video(
    network: FantasyTalking,
    encoders: Encoders,
    speech: Tensor,
    seed: int = 1111,
    nature: Nature = AS_RELEASED,
) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.cat(list(perform(network, encoders, PORTRAIT, speech, PROMPT, random, nature)), dim=2)


def test_a_short_speech_becomes_one_span_of_pictures(network: FantasyTalking, encoders: Encoders) -> None:
    video = _video(network, encoders, _speech(5000))

    assert video.shape == (1, 3, 9, 32, 32)
    assert bool(video.isfinite().all())
    assert video.abs().max() <= 1


def test_a_speech_of_several_spans_becomes_all_of_its_pictures(
    network: FantasyTalking, encoders: Encoders
) -> None:
    video = _video(network, encoders, _speech(16_000))

    assert video.shape == (1, 3, 25, 32, 32)


def test_the_same_seed_makes_the_same_video(network: FantasyTalking, encoders: Encoders) -> None:
    speech = _speech(3000)

    first, same = _video(network, encoders, speech), _video(network, encoders, speech)
    other = _video(network, encoders, speech, seed=7)

    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_the_video_follows_speech_identity_and_intensity(network: FantasyTalking, encoders: Encoders) -> None:
    speech, half = _speech(3000), torch.tensor([0.5])

    videos = [
        _video(network, encoders, speech),
        _video(network, encoders, _speech(3000, seed=2)),
        _video(network, encoders, speech, nature=Nature(face=torch.ones(1, 8))),
        _video(network, encoders, speech, nature=Nature(intensity=(half, half))),
    ]

    assert all((video - videos[0]).abs().max() > 1e-4 for video in videos[1:])


def test_a_performance_is_guided_as_it_is_told(network: FantasyTalking, encoders: Encoders) -> None:
    speech, random = _speech(3000), torch.Generator().manual_seed(1111)

    def backwards(
        network: Callable[[Tensor, Tensor, Context], Tensor], weighted: list[tuple[float, Context]]
    ) -> Velocity:
        return guide(network, [(-weight, context) for weight, context in weighted])

    video = torch.cat(
        list(perform(network, encoders, PORTRAIT, speech, PROMPT, random, guidance=backwards)), dim=2
    )

    assert (video - _video(network, encoders, speech)).abs().max() > 1e-4


def test_a_performance_goes_on_after_a_span(network: FantasyTalking, encoders: Encoders) -> None:
    def spans(after: Finished | None) -> list[Finished]:
        random = torch.Generator().manual_seed(1111)
        events = imagine(network, encoders, PORTRAIT, _speech(16_000), PROMPT, random, after=after)
        return [each for each in events if each is not None]

    first, *others = spans(None)

    again = spans(first)

    assert len(again) == len(others) > 0
    assert all(torch.equal(mine.latents, other.latents) for mine, other in zip(again, others, strict=True))


def test_a_speech_without_samples_is_refused(network: FantasyTalking, encoders: Encoders) -> None:
    with pytest.raises(ValueError, match="expected a speech, got no samples"):
        _video(network, encoders, torch.zeros(0))
