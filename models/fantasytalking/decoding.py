"""Latents to pictures, a latent frame at a time: the memory it takes does not grow with the video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan, WanCausalConv3d
from torch import Tensor

from models.fantasytalking.given import denormalise


@torch.no_grad()
def decode(vae: AutoencoderKLWan, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """Decode consecutive pieces [B, C, F, h, w] of one video to pictures [B, 3, T, H, W] from -1 to 1.

    The first latent frame becomes one picture, every other four. Convolutions over time carry what they
    need from one latent frame to the next, so that pieces give the pictures that the whole would.
    """
    decoder: Any = vae.decoder
    cache: list[Any] = [None] * sum(isinstance(module, WanCausalConv3d) for module in decoder.modules())
    first = True
    for piece in pieces:
        latents = denormalise(vae, piece).to(vae.dtype)
        for latent in vae.post_quant_conv(latents).split(1, dim=2):
            pictures: Tensor = decoder(latent, feat_cache=cache, feat_idx=[0], first_chunk=first)
            first = False
            yield pictures.clamp(-1.0, 1.0)
