from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from models.personalive.pretrained import load_autoencoder, load_image_encoder, load_tiny_autoencoder
from tests.unit.models.personalive.drawing import drawn

OLD_NAMES = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}


def _autoencoder() -> AutoencoderKL:
    autoencoder: AutoencoderKL = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=4,
    )
    return drawn(autoencoder)


def _image_encoder() -> CLIPVisionModelWithProjection:
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        projection_dim=8,
    )
    return drawn(CLIPVisionModelWithProjection(config))


def _is_equal(one: nn.Module, other: nn.Module) -> bool:
    ones, others = one.state_dict(), other.state_dict()
    return ones.keys() == others.keys() and all(torch.equal(ones[name], others[name]) for name in ones)


def test_an_autoencoder_with_old_names_is_read(tmp_path: Path) -> None:
    autoencoder = _autoencoder()
    old = {}
    for name, tensor in autoencoder.state_dict().items():
        for new_part, old_part in OLD_NAMES.items():
            name = name.replace(new_part, old_part) if ".attentions." in name else name
        old[name] = tensor
    autoencoder.save_config(tmp_path)
    torch.save(old, tmp_path / "diffusion_pytorch_model.bin")

    assert "decoder.mid_block.attentions.0.query.weight" in old
    assert _is_equal(load_autoencoder(tmp_path), autoencoder)


def test_an_autoencoder_that_lacks_a_tensor_is_refused(tmp_path: Path) -> None:
    autoencoder = _autoencoder()
    tensors = autoencoder.state_dict()
    del tensors["decoder.conv_in.bias"]
    autoencoder.save_config(tmp_path)
    save_file(tensors, tmp_path / "diffusion_pytorch_model.safetensors")

    with pytest.raises(ValueError, match=r"autoencoder: 1 tensors do not fit: decoder\.conv_in\.bias"):
        load_autoencoder(tmp_path)


def test_a_tiny_autoencoder_is_read(tmp_path: Path) -> None:
    autoencoder = drawn(
        AutoencoderTiny(
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            num_encoder_blocks=(1, 1),
            num_decoder_blocks=(1, 1),
        )
    )
    autoencoder.save_config(tmp_path)
    save_file(autoencoder.state_dict(), tmp_path / "diffusion_pytorch_model.safetensors")

    assert _is_equal(load_tiny_autoencoder(tmp_path), autoencoder)


def test_an_image_encoder_is_read_and_embeds_as_before(tmp_path: Path) -> None:
    encoder = _image_encoder()
    encoder.config.save_pretrained(tmp_path)
    tensors = encoder.state_dict() | {"vision_model.embeddings.position_ids": torch.arange(5)[None]}
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    picture = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(0))

    loaded = load_image_encoder(tmp_path)

    assert _is_equal(loaded, encoder)
    torch.testing.assert_close(loaded(picture).image_embeds, encoder(picture).image_embeds)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    _autoencoder().save_config(tmp_path)

    with pytest.raises(ValueError, match="no weights in"):
        load_autoencoder(tmp_path)
