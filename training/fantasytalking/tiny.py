"""Small stand-ins for the networks that FantasyTalking takes from others, without anything learnt."""

from __future__ import annotations

import zlib
from functools import partial

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel, Wav2Vec2Config, Wav2Vec2Model

from models.fantasytalking.face_encoder import FaceEncoder
from models.fantasytalking.given import normalise
from models.fantasytalking.performance import Encoders
from training.fantasytalking.config import TrainingConfig
from training.fantasytalking.frozen import Frozen


def tiny_frozen(config: TrainingConfig) -> Frozen:
    """Draw encoders as narrow as the variant `tiny` wants them, always the same for a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        encoders = Encoders(speech=_speech(config), image=_image(config), autoencoder=_autoencoder(config))
        face = FaceEncoder(config.face)
    networks: tuple[nn.Module, ...] = (*encoders, face)
    for network in networks:
        network.to(config.device).eval().requires_grad_(requires_grad=False)
    return Frozen(encoders=encoders, read_text=partial(_read_text, config), face=face)


def _speech(config: TrainingConfig) -> Wav2Vec2Model:
    return Wav2Vec2Model(
        Wav2Vec2Config(
            hidden_size=config.model.audio.feature_dim,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            conv_dim=(8,) * 7,
            num_conv_pos_embeddings=4,
            num_conv_pos_embedding_groups=2,
        )
    )


def _image(config: TrainingConfig) -> CLIPVisionModel:
    return CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=config.model.backbone.image_dim,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
            image_size=config.model.clip.vision_size,
            patch_size=config.model.clip.vision_size // 4,
        )
    )


def _autoencoder(config: TrainingConfig) -> AutoencoderKLWan:
    """Return an autoencoder whose normalised latents of noise have mean 0 and variance 1."""
    channels = config.model.backbone.latent_channels

    def draw(mean: list[float], std: list[float]) -> AutoencoderKLWan:
        torch.manual_seed(config.seed)
        network: AutoencoderKLWan = AutoencoderKLWan(
            base_dim=4,
            z_dim=channels,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=mean,
            latents_std=std,
        )
        return network

    plain = draw([0.0] * channels, [1.0] * channels)
    with torch.no_grad():
        latents = normalise(plain, plain.encode(torch.rand(1, 3, 9, 64, 64) * 2 - 1).latent_dist.mode())
    places = (0, 2, 3, 4)
    return draw(latents.mean(dim=places).tolist(), latents.std(dim=places).tolist())


def _read_text(config: TrainingConfig, prompts: list[str]) -> Tensor:
    """Return a vector for each word, the same wherever the word stands; prompts are cut."""
    length, width = config.model.backbone.text_length, config.model.backbone.text_dim
    embedded = torch.zeros(len(prompts), length, width)
    for row, prompt in zip(embedded, prompts, strict=True):
        for place, word in zip(row, prompt.split(), strict=False):
            generator = torch.Generator().manual_seed(zlib.crc32(word.encode()))
            place.copy_(torch.randn(width, generator=generator))
    return embedded.to(config.device)
