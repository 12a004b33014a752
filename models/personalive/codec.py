"""Between pictures and what the UNets see of them: latents, and the embedding of a portrait."""

from __future__ import annotations

from typing import Final, Protocol

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPVisionModelWithProjection

# Shapes: N pictures, H and W their rows and columns, h = H / 8 and w = W / 8 those of latents.

# How the image encoder's pictures were standardised when it was trained (arXiv 2103.00020): mean and spread.
CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_SPREAD: Final = (0.26862954, 0.26130258, 0.27577711)


class Codec(Protocol):
    """Turns pictures [N, 3, H, W] in -1..1 into latents [N, 4, h, w] of about unit size, and back."""

    def encode(self, pictures: Tensor) -> Tensor:
        """Return latents, without chance."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Return pictures."""
        ...


class Embedder(Protocol):
    """Turns pictures [N, 3, H, W] in -1..1 into embeddings [N, image width]."""

    def embed(self, pictures: Tensor) -> Tensor:
        """Return embeddings."""
        ...


class KlCodec(nn.Module):
    """The autoencoder of Stable Diffusion; its encoder's most likely latents count."""

    def __init__(self, autoencoder: AutoencoderKL) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.scale = float(autoencoder.config["scaling_factor"])

    def encode(self, pictures: Tensor) -> Tensor:
        """Return latents [N, 4, h, w]."""
        told = self.autoencoder.encode(pictures.to(self.autoencoder.dtype))
        latents: Tensor = told.latent_dist.mode()
        return latents.float() * self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Return pictures [N, 3, H, W]."""
        pictures: Tensor = self.autoencoder.decode((latents / self.scale).to(self.autoencoder.dtype)).sample
        return pictures.float()


class TinyCodec(nn.Module):
    """A distilled autoencoder for the same latents: a twentieth of the work, with less detail."""

    def __init__(self, autoencoder: AutoencoderTiny) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.scale = float(autoencoder.config["scaling_factor"])

    def encode(self, pictures: Tensor) -> Tensor:
        """Return latents [N, 4, h, w]."""
        latents: Tensor = self.autoencoder.encode(pictures.to(self.autoencoder.dtype)).latents
        return latents.float() * self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Return pictures [N, 3, H, W]."""
        pictures: Tensor = self.autoencoder.decode((latents / self.scale).to(self.autoencoder.dtype)).sample
        return pictures.float()


class ClipEmbedder(nn.Module):
    """The image encoder of CLIP (arXiv 2103.00020) with its projection."""

    mean: Tensor
    spread: Tensor

    def __init__(self, encoder: CLIPVisionModelWithProjection) -> None:
        super().__init__()
        self.encoder = encoder
        self.size = encoder.vision_model.embeddings.image_size
        self.register_buffer("mean", torch.tensor(CLIP_MEAN, device="cpu"), persistent=False)
        self.register_buffer("spread", torch.tensor(CLIP_SPREAD, device="cpu"), persistent=False)

    def embed(self, pictures: Tensor) -> Tensor:
        """Return embeddings [N, image width]."""
        small = F.interpolate(pictures, (self.size, self.size), mode="bicubic", antialias=True) / 2 + 0.5
        levels = (small.clamp(0, 1) * 255).round() / 255
        standard = (levels - self.mean[:, None, None]) / self.spread[:, None, None]
        embedded: Tensor = self.encoder(pixel_values=standard.to(self.encoder.dtype)).image_embeds
        return embedded.float()
