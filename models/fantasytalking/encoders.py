"""What the network reads, from the published encoders: features of speech, of the portrait, and of text."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import torch
from torch import Tensor, nn
from transformers import BatchEncoding, CLIPVisionModel, UMT5EncoderModel, Wav2Vec2Model

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.geometry import num_samples

_VARIANCE_FLOOR = 1e-7
# The image encoder's last layer but one.
_PENULTIMATE = -2


def clip_waveform(waveform: Tensor, num_frames: int, clip: ClipConfig) -> Tensor:
    """Return speech [samples] as the encoder wants it, exactly as long as `num_frames` are shown.

    What sounds within the clip has zero mean and unit variance. Silence fills up what a clip lasts longer
    than its speech: without it the same speech would be spread over more frames, and lips would lag.
    """
    wanted = num_samples(num_frames, clip)
    heard = waveform[:wanted].float()
    normed = (heard - heard.mean()) / (heard.var(correction=0) + _VARIANCE_FLOOR).sqrt()
    return nn.functional.pad(normed, (0, wanted - len(heard)))


@torch.no_grad()
def speech_features(encoder: Wav2Vec2Model, waveform: Tensor) -> Tensor:
    """Return features [1, N, feature_dim] of speech [samples] from `clip_waveform`, about 50 in a second."""
    features: Tensor = encoder(waveform[None]).last_hidden_state
    return features


@torch.no_grad()
def image_features(encoder: CLIPVisionModel, pixels: Tensor) -> Tensor:
    """Return features [1, N, image_dim] of what `vision_pixels` made, from the last layer but one."""
    features: Tensor = encoder(pixels, output_hidden_states=True).hidden_states[_PENULTIMATE]
    return features


@torch.no_grad()
def text_embeddings(
    tokenizer: Callable[..., BatchEncoding], encoder: UMT5EncoderModel, prompts: list[str], text_length: int
) -> Tensor:
    """Return embeddings [B, text_length, D] of prompts, cut to that many tokens and padded with zeros."""
    cleaned = [clean_prompt(prompt) for prompt in prompts]
    tokens = tokenizer(
        cleaned, padding="max_length", max_length=text_length, truncation=True, return_tensors="pt"
    )
    ids, attended = tokens["input_ids"].to(encoder.device), tokens["attention_mask"].to(encoder.device)
    embedded: Tensor = encoder(input_ids=ids, attention_mask=attended).last_hidden_state
    return pad_text(embedded, attended.sum(dim=1), text_length)


def clean_prompt(prompt: str) -> str:
    """Return a prompt without HTML's escapes and with single spaces, as the text encoder has learned it."""
    return " ".join(unescape(unescape(prompt)).split())


def pad_text(text: Tensor, lengths: Tensor, text_length: int) -> Tensor:
    """Return text embeddings [B, text_length, D] of which the first `lengths` [B] rows are those of `text`.

    All others are zeros, whatever the text encoder made of its padding. Raises ValueError for text too long.
    """
    if int(lengths.max()) > text_length:
        raise ValueError(f"expected at most {text_length} text embeddings, got {int(lengths.max())}")
    text = text[:, :text_length]
    padded = nn.functional.pad(text, (0, 0, 0, text_length - text.shape[1]))
    counted = torch.arange(text_length, device=text.device) < lengths[:, None]
    return padded * counted[..., None]
