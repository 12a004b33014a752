"""The part of a clip that is given to the transformer: a latent of the first frame, and a mask."""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.geometry import num_latents

# Shapes: C latent channels, F latent frames, H W pixels, h w latent size.


def first_frame_mask(num_frames: int, height: int, width: int, clip: ClipConfig) -> Tensor:
    """Return the mask [4, F, h, w]: 1 on the first latent frame, a channel for each frame it could hold."""
    latents = num_latents(num_frames, clip.frames_per_latent)
    size = (clip.frames_per_latent, latents, height // clip.vae_stride, width // clip.vae_stride)
    mask = torch.zeros(size)
    mask[:, 0] = 1.0
    return mask


def given_latents(vae: AutoencoderKLWan, frame: Tensor, num_frames: int, clip: ClipConfig) -> Tensor:
    """Return mask and latent [1, 4 + C, F, h, w] of a clip that begins with `frame` [3, H, W].

    The frame is followed by frames of zeros, which is mid grey; the latent is the mean of the posterior.
    """
    _, height, width = frame.shape
    video = frame.new_zeros(1, 3, num_frames, height, width)
    video[:, :, 0] = frame
    latent = normalise(vae, vae.encode(video.to(vae.dtype)).latent_dist.mode()).to(frame.dtype)
    mask = first_frame_mask(num_frames, height, width, clip).to(latent)
    return torch.cat((mask[None], latent), dim=1)


def normalise(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """Return the autoencoder's latents [B, C, F, h, w] as the transformer has them."""
    mean, std = _statistics(vae, latents)
    return (latents - mean) / std


def denormalise(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """Return the transformer's latents [B, C, F, h, w] as the autoencoder has them."""
    mean, std = _statistics(vae, latents)
    return latents * std + mean


def _statistics(vae: AutoencoderKLWan, latents: Tensor) -> tuple[Tensor, Tensor]:
    config = vae.config
    mean = torch.tensor(config["latents_mean"], device=latents.device, dtype=latents.dtype)
    std = torch.tensor(config["latents_std"], device=latents.device, dtype=latents.dtype)
    return mean.view(1, -1, 1, 1, 1), std.view(1, -1, 1, 1, 1)
