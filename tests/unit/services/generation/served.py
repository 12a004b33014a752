"""A folder of weights as PersonaLive is served from, of tiny networks drawn from a seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from models.personalive.config import PersonaLiveConfig, tiny, to_json
from models.personalive.keyframes import KeyframeConfig
from models.personalive.weights import CONFIG_FILE, networks
from services.generation.personalive_loading import AUTOENCODER, IMAGE_ENCODER
from tests.unit.models.personalive.drawing import drawn


def config() -> PersonaLiveConfig:
    """Tiny, and of few resolutions; some steps bring all keyframes."""
    return replace(
        tiny(),
        picture=32,
        unet=replace(tiny().unet, channels=(16,), attends=(True,)),
        keyframes=KeyframeConfig(threshold=0.5, first_call=1, limit=2, remembered=2),
    )


def write_weights(folder: Path) -> Path:
    """Write everything that serving needs to `folder`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    given = config()
    built = networks(given, torch.device("cpu"))
    for name, network in built.named().items():
        _write(folder / f"{name}.safetensors", _tamed(name, drawn(network)))
    (folder / CONFIG_FILE).write_text(to_json(given))
    _write_autoencoder(folder / AUTOENCODER)
    _write_image_encoder(folder / IMAGE_ENCODER, given.unet.image_width)
    return folder


def _tamed(name: str, network: nn.Module) -> nn.Module:
    """Let drawn numbers be of the size that trained ones have: faces are found, and noise is noise."""
    state = network.state_dict()
    if name == "denoising_unet":
        state["conv_out.weight"].mul_(1 / 64)
    if name == "motion_extractor":
        state["idx_tensor"].copy_(torch.arange(len(state["idx_tensor"])))
        state["detector.fc_scale.bias"].fill_(0.5)
    for key, tensor in state.items():
        if key.endswith("running_var"):
            tensor.fill_(1.0)
    return network


def write_whole_autoencoder(folder: Path) -> None:
    """Put an autoencoder of Stable Diffusion's kind in the place of the tiny one."""
    autoencoder = drawn(
        AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8,) * 4,
            layers_per_block=1,
            norm_num_groups=4,
        )
    )
    autoencoder.save_config(folder / AUTOENCODER)
    _write(folder / AUTOENCODER / "diffusion_pytorch_model.safetensors", autoencoder)


def _write_autoencoder(folder: Path) -> None:
    autoencoder = drawn(
        AutoencoderTiny(
            encoder_block_out_channels=(8,) * 4,
            decoder_block_out_channels=(8,) * 4,
            num_encoder_blocks=(1,) * 4,
            num_decoder_blocks=(1,) * 4,
        )
    )
    autoencoder.save_config(folder)
    _write(folder / "diffusion_pytorch_model.safetensors", autoencoder)


def _write_image_encoder(folder: Path, width: int) -> None:
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        projection_dim=width,
    )
    encoder = CLIPVisionModelWithProjection(config)
    encoder.config.save_pretrained(folder)
    _write(folder / "model.safetensors", drawn(encoder))


def _write(file: Path, network: nn.Module) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, file)
