from __future__ import annotations

import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.geometry import (
    Size,
    longest_edge_size,
    model_size,
    num_frames,
    num_latents,
    num_samples,
    num_tokens,
    speech_latents,
)


@pytest.mark.parametrize(
    ("size", "resized", "model"),
    [
        (Size(1447, 983), Size(512, 347), Size(512, 352)),
        (Size(512, 512), Size(512, 512), Size(512, 512)),
        # 1003 * (512 / 1003) is 511.99... in double precision, and is truncated.
        (Size(1003, 77), Size(511, 39), Size(512, 48)),
    ],
)
def test_a_portrait_is_fitted_and_then_stretched(size: Size, resized: Size, model: Size) -> None:
    assert longest_edge_size(size, 512) == resized
    assert model_size(resized, 16) == model


@pytest.mark.parametrize(("duration_s", "frames"), [(0.1, 5), (1.0, 25), (3.4, 81), (60.0, 81)])
def test_frames_are_one_more_than_a_multiple_of_four_and_bounded(duration_s: float, frames: int) -> None:
    assert num_frames(duration_s, ClipConfig()) == frames


@pytest.mark.parametrize(("duration_s", "latents"), [(0.01, 2), (1.0, 7), (3.5, 22), (60.0, 347)])
def test_latents_last_as_long_as_the_speech_and_hardly_longer(duration_s: float, latents: int) -> None:
    found = speech_latents(duration_s, ClipConfig())

    assert found == latents
    assert 0 < ((found - 1) * 4 + 1) / 23 - duration_s <= 5.001 / 23


def test_a_published_clip_has_21_latent_frames_and_175_tokens() -> None:
    samples = num_samples(81, ClipConfig())

    assert num_latents(81, 4) == 21
    assert samples == 56_347
    assert num_tokens(samples) == 175


def test_tokens_are_counted_as_the_speech_encoder_does() -> None:
    with torch.device("meta"):
        encoder = Wav2Vec2Model(Wav2Vec2Config(hidden_size=16, num_hidden_layers=1, num_attention_heads=2))

    counts = [encoder._get_feat_extract_output_lengths(samples) for samples in (400, 1600, 56_347)]

    assert counts == [num_tokens(samples) for samples in (400, 1600, 56_347)]


def test_too_few_samples_make_no_token() -> None:
    assert num_tokens(3) == 0
