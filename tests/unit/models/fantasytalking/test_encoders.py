from __future__ import annotations

import pytest
import torch
from transformers import (
    BatchEncoding,
    CLIPVisionConfig,
    CLIPVisionModel,
    UMT5Config,
    UMT5EncoderModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
)

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.encoders import (
    clean_prompt,
    clip_waveform,
    image_features,
    pad_text,
    speech_features,
    text_embeddings,
)
from models.fantasytalking.geometry import num_tokens

CLIP = ClipConfig()


def _speech(samples: int) -> torch.Tensor:
    return 0.1 + torch.randn(samples, generator=torch.Generator().manual_seed(0))


def test_speech_that_fills_the_clip_is_normalised_as_the_published_processor_does() -> None:
    waveform = _speech(4000)

    found = clip_waveform(waveform, 5, CLIP)

    processor = Wav2Vec2FeatureExtractor()  # type: ignore[no-untyped-call]  # transformers is untyped
    expected = processor(waveform[:3478].numpy(), sampling_rate=16_000, return_tensors="pt").input_values[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_short_speech_is_padded_and_not_stretched() -> None:
    short, long = clip_waveform(_speech(16_000), 25, CLIP), clip_waveform(_speech(40_000), 25, CLIP)

    assert len(short) == len(long) == 17_391
    assert not short[16_000:].any()
    assert short[:16_000].mean().abs() < 1e-5
    assert num_tokens(len(short)) == num_tokens(len(long))


def test_features_of_speech_are_the_encoder_s_last_layer() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = Wav2Vec2Config(
            hidden_size=12,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            conv_dim=(8,) * 7,
            num_conv_pos_embeddings=4,
            num_conv_pos_embedding_groups=2,
        )
        encoder = Wav2Vec2Model(config)
    encoder.eval()  # type: ignore[no-untyped-call]  # transformers is untyped
    waveform = clip_waveform(_speech(4000), 5, CLIP)

    features = speech_features(encoder, waveform)

    assert features.shape == (1, num_tokens(len(waveform)), 12)
    assert not features.requires_grad


def test_features_of_the_portrait_are_of_the_last_layer_but_one() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = CLIPVisionConfig(
            hidden_size=16,
            num_hidden_layers=3,
            num_attention_heads=2,
            intermediate_size=16,
            image_size=224,
            patch_size=56,
        )
        encoder = CLIPVisionModel(config)
    encoder.eval()  # type: ignore[no-untyped-call]  # transformers is untyped
    pixels = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))

    features = image_features(encoder, pixels)

    states = encoder(pixels, output_hidden_states=True).hidden_states
    assert features.shape == (1, 17, 16)
    torch.testing.assert_close(features, states[2])


class _Letters:
    """A tokenizer: a token for each letter, and one that ends the text."""

    def __call__(
        self, prompts: list[str], *, max_length: int, padding: str, truncation: bool, return_tensors: str
    ) -> BatchEncoding:
        assert (padding, truncation, return_tensors) == ("max_length", True, "pt")
        ids = torch.zeros(len(prompts), max_length, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            letters = [ord(letter) % 90 + 2 for letter in prompt][: max_length - 1]
            ids[row, : len(letters) + 1] = torch.tensor([*letters, 1])
        return BatchEncoding({"input_ids": ids, "attention_mask": (ids > 0).long()})


def test_a_prompt_s_embeddings_do_not_depend_on_its_padding() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = UMT5Config(
            vocab_size=100,
            d_model=8,
            d_kv=4,
            d_ff=8,
            num_layers=1,
            num_heads=2,
            pad_token_id=0,
            eos_token_id=1,
        )
        encoder = UMT5EncoderModel(config)
    encoder.eval()  # type: ignore[no-untyped-call]  # transformers is untyped

    embeddings = text_embeddings(_Letters(), encoder, ["smile", "a  person &amp;amp; speaks"], 12)
    longer = text_embeddings(_Letters(), encoder, ["smile"], 20)

    assert embeddings.shape == (2, 12, 8)
    assert bool(embeddings[0, :6].any(dim=-1).all())
    assert not embeddings[0, 6:].any()
    torch.testing.assert_close(longer[0, :6], embeddings[0, :6])


def test_a_prompt_loses_escapes_and_double_spaces() -> None:
    assert clean_prompt(" You &amp;amp;\n  I ") == "You & I"


def test_text_is_padded_with_zeros_behind_its_length() -> None:
    text = torch.ones(2, 4, 3)

    padded = pad_text(text, torch.tensor([4, 2]), 6)

    assert padded.shape == (2, 6, 3)
    assert padded.sum(dim=(1, 2)).tolist() == [12, 6]
    assert not padded[1, 2:].any()


def test_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 3 text embeddings, got 4"):
        pad_text(torch.ones(1, 4, 3), torch.tensor([4]), 3)
