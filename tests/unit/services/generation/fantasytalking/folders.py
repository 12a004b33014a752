"""Tiny networks of FantasyTalking in the folders that the published ones would lie in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    UMT5Config,
    UMT5EncoderModel,
    Wav2Vec2Config,
    Wav2Vec2Model,
)

from models.fantasytalking.config import FantasyTalkingConfig, SamplerConfig, tiny
from models.fantasytalking.weights import save_network
from services.generation.fantasytalking.layout import Folders
from tests.unit.models.fantasytalking.scenes import make_network

_WORDS = ("<pad>", "</s>", "<unk>", "a", "person", "speaks", "to", "the", "camera", "blurry")


def config() -> FantasyTalkingConfig:
    """The tiny variant for pictures of 32x32 and the four channels of the tiny autoencoder."""
    clip = replace(tiny().clip, longest_edge=32)
    backbone = replace(tiny().backbone, latent_channels=4)
    return replace(tiny(), clip=clip, backbone=backbone, sampler=SamplerConfig(steps=2))


def make_folders(root: Path) -> Folders:
    """Write all networks, each the same every time."""
    folders = Folders(network=root / "network", wan=root / "wan", speech=root / "wav2vec2")
    save_network(make_network(config()), folders.network)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _speech().save_pretrained(folders.speech)
        _image().save_pretrained(folders.wan / "image_encoder")
        _autoencoder().save_pretrained(folders.wan / "vae")
        _text().save_pretrained(folders.wan / "text_encoder")
    _tokenizer().save_pretrained(folders.wan / "tokenizer")
    return folders


def _speech() -> Wav2Vec2Model:
    return Wav2Vec2Model(
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


def _image() -> CLIPVisionModel:
    return CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
            image_size=224,
            patch_size=56,
        )
    )


def _autoencoder() -> AutoencoderKLWan:
    found: AutoencoderKLWan = AutoencoderKLWan(
        base_dim=4,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    return found


def _text() -> UMT5EncoderModel:
    return UMT5EncoderModel(
        UMT5Config(vocab_size=len(_WORDS), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    )


def _tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(WordLevel({word: number for number, word in enumerate(_WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # the library's
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
