"""The networks that PersonaLive takes from others, in local folders: autoencoders and an image encoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from models.personalive.files import read_pickle
from models.personalive.filling import fill

# What attention in autoencoders was called before diffusers 0.15, and is now.
OLD_ATTENTION: Final[Mapping[str, str]] = {
    "query": "to_q",
    "key": "to_k",
    "value": "to_v",
    "proj_attn": "to_out.0",
}
_OLD: Final = re.compile(rf"\.attentions\.(\d+)\.({'|'.join(OLD_ATTENTION)})\.")
# A table 0, 1, 2, ..., which old files carry and networks make.
POSITION_IDS: Final = "vision_model.embeddings.position_ids"


def load_autoencoder(folder: Path) -> AutoencoderKL:
    """Read the autoencoder of Stable Diffusion from its config.json and weights.

    Raises ValueError when they are missing, or naming every tensor that does not fit.
    """
    with torch.device("meta"):
        autoencoder: AutoencoderKL = AutoencoderKL.from_config(AutoencoderKL.load_config(folder))
    tensors = {_renamed(name): tensor for name, tensor in _weights(folder, "diffusion_pytorch_model").items()}
    fill("autoencoder", autoencoder, tensors)
    return autoencoder


def load_tiny_autoencoder(folder: Path) -> AutoencoderTiny:
    """Read the tiny autoencoder, whose decoding is cheap and less sharp; as `load_autoencoder` otherwise."""
    config = dict(AutoencoderTiny.load_config(folder))
    # diffusers writes it of itself, and wonders at it when it reads it.
    config.pop("block_out_channels", None)
    with torch.device("meta"):
        autoencoder: AutoencoderTiny = AutoencoderTiny.from_config(config)
    fill("tiny autoencoder", autoencoder, _weights(folder, "diffusion_pytorch_model"))
    return autoencoder


def load_image_encoder(folder: Path) -> CLIPVisionModelWithProjection:
    """Read the image encoder of CLIP (arXiv 2103.00020) from its config.json and weights; raises as above."""
    config = CLIPVisionConfig.from_pretrained(folder, local_files_only=True)
    with torch.device("meta"):
        encoder = CLIPVisionModelWithProjection(config)
    tensors = _weights(folder, "model", "pytorch_model")
    fill("image encoder", encoder, {name: tensor for name, tensor in tensors.items() if name != POSITION_IDS})
    embeddings = encoder.vision_model.embeddings
    positions = torch.arange(embeddings.num_positions)[None]
    embeddings.register_buffer("position_ids", positions, persistent=False)
    return encoder


def _renamed(name: str) -> str:
    return _OLD.sub(lambda found: f".attentions.{found[1]}.{OLD_ATTENTION[found[2]]}.", name)


def _weights(folder: Path, *stems: str) -> dict[str, Tensor]:
    """Read the tensors in the first of these files that there is, safetensors before pickles."""
    for stem in stems:
        if (folder / f"{stem}.safetensors").exists():
            return load_file(folder / f"{stem}.safetensors")
    for stem in stems:
        if (folder / f"{stem}.bin").exists():
            return read_pickle(folder / f"{stem}.bin")
    raise ValueError(f"no weights in {folder}: expected one of {', '.join(stems)}, .safetensors or .bin")
