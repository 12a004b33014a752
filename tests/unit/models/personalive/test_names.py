from __future__ import annotations

import pytest
import torch
from torch import nn

from models.personalive.config import published
from models.personalive.denoising_unet import DenoisingUNet
from models.personalive.names import published as published_name
from models.personalive.reference_unet import ReferenceUNet


def _shapes(unet: nn.Module) -> dict[str, tuple[int, ...]]:
    return {published_name(name): tuple(tensor.shape) for name, tensor in unet.state_dict().items()}


@pytest.fixture(scope="module")
def denoising() -> DenoisingUNet:
    with torch.device("meta"):
        return DenoisingUNet(published().unet)


@pytest.fixture(scope="module")
def reference() -> ReferenceUNet:
    with torch.device("meta"):
        return ReferenceUNet(published().unet)


# Names and shapes of the published files.
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("conv_in.weight", (320, 4, 3, 3)),
        ("time_embedding.linear_2.weight", (1280, 1280)),
        ("down_blocks.1.resnets.0.conv_shortcut.weight", (640, 320, 1, 1)),
        ("down_blocks.1.resnets.1.time_emb_proj.weight", (640, 1280)),
        ("down_blocks.0.attentions.0.proj_in.weight", (320, 320, 1, 1)),
        ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", (320, 768)),
        ("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0.bias", (320,)),
        ("mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.weight", (10240, 1280)),
        ("mid_block.resnets.1.norm2.bias", (1280,)),
        ("down_blocks.2.downsamplers.0.conv.weight", (1280, 1280, 3, 3)),
        ("up_blocks.0.upsamplers.0.conv.bias", (1280,)),
        ("up_blocks.1.resnets.2.conv1.weight", (1280, 1920, 3, 3)),
    ],
)
def test_both_unets_have_the_published_names(
    denoising: DenoisingUNet, reference: ReferenceUNet, name: str, shape: tuple[int, ...]
) -> None:
    assert _shapes(denoising)[name] == shape
    assert _shapes(reference)[name] == shape


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("norm.weight", (320,)),
        ("proj_in.weight", (320, 320)),
        ("transformer_blocks.0.attention_blocks.1.to_q.weight", (320, 320)),
        ("transformer_blocks.0.attention_blocks.1.to_out.0.weight", (320, 320)),
        ("transformer_blocks.0.norms.1.bias", (320,)),
        ("transformer_blocks.0.ff_norm.weight", (320,)),
        ("transformer_blocks.0.ff.net.2.weight", (320, 1280)),
        ("proj_out.bias", (320,)),
    ],
)
def test_motion_and_temporal_modules_have_the_published_names(
    denoising: DenoisingUNet, name: str, shape: tuple[int, ...]
) -> None:
    shapes = _shapes(denoising)

    for kind in ("motion", "temporal"):
        assert shapes[f"up_blocks.3.{kind}_modules.2.temporal_transformer.{name}"] == shape


def test_what_motion_and_frames_need_alone_has_its_published_name(denoising: DenoisingUNet) -> None:
    shapes = _shapes(denoising)
    motion = "mid_block.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0"
    temporal = "mid_block.temporal_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.1"

    assert shapes[f"{motion}.to_k.weight"] == (1280, 16)
    assert shapes[f"{temporal}.pos_encoder.pe"] == (1, 32, 1280)


def test_the_unets_are_as_large_as_published(denoising: DenoisingUNet, reference: ReferenceUNet) -> None:
    assert (len(_shapes(denoising)), len(_shapes(reference))) == (1820, 682)
    assert sum(parameter.numel() for parameter in denoising.parameters()) == 1_684_818_244
    assert sum(parameter.numel() for parameter in reference.parameters()) == 859_508_800
