"""The UNets as the paper draws them: everything is computed from the inputs, row by row, in every call.

The slow, obvious twin that those in `models` are compared with: it shares their weights and their trunk.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from models.personalive.attention import Attention
from models.personalive.denoising_unet import DenoisingUNet
from models.personalive.motion_module import MotionAttention, MotionModule
from models.personalive.reference_unet import Bank, ReferenceUNet
from models.personalive.spatial import SpatialTransformer
from models.personalive.temporal_module import TemporalAttention, TemporalModule
from models.personalive.trunk import Layer, Trunk
from tests.unit.models.personalive.drawing import Window

# Attends from tokens [R, N, C] to a context [R, K, D].
Attend: TypeAlias = Callable[[Attention, Tensor, Tensor], Tensor]


def head_by_head(attention: Attention, tokens: Tensor, context: Tensor) -> Tensor:
    """Return what `tokens` attend to, as the formula says it."""
    heads = []
    pairs = zip(
        attention.to_q(tokens).chunk(attention.heads, dim=-1),
        attention.to_k(context).chunk(attention.heads, dim=-1),
        attention.to_v(context).chunk(attention.heads, dim=-1),
        strict=True,
    )
    for query, key, value in pairs:
        scores = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1])
        heads.append(scores.softmax(dim=-1) @ value)
    merged: Tensor = attention.to_out(torch.cat(heads, dim=-1))
    return merged


def denoise(unet: DenoisingUNet, window: Window, attend: Attend = head_by_head) -> Tensor:
    """Return the noise [B, F, 4, H, W]."""
    return torch.stack([_denoise_row(unet, window, row, attend) for row in range(len(window.latents))])


def reference_bank(unet: ReferenceUNet, latents: Tensor, embedding: Tensor) -> Bank:
    """Return the bank of a picture [1, 4, H, W], all of the UNet computed."""
    kept: list[Tensor] = []

    def visit(layer: Layer, x: Tensor) -> Tensor:
        x = _residual(unet.trunk, layer, x, torch.zeros(1))
        if layer.spatial is not None:
            kept.append(_normed(layer.spatial, x))
            x = _spatial(layer.spatial, x, [], embedding, head_by_head)
        return x

    unet.trunk(unet.trunk.conv_in(latents), visit)
    return tuple(kept)


def motion(
    module: MotionModule, x: Tensor, tokens_of_motion: Tensor, attend: Attend = head_by_head
) -> Tensor:
    """Return what a motion module makes of frames [F, C, H, W] and their motion [F, M, D]."""
    tokens = module.proj_in(module.norm(x).flatten(2).transpose(1, 2))
    for norm, part in zip(module.norms, module.attentions, strict=True):
        assert isinstance(part, MotionAttention)
        tokens = tokens + attend(part.attention, norm(tokens), tokens_of_motion)
    tokens = module.proj_out(tokens + module.ff(module.ff_norm(tokens)))
    change: Tensor = tokens.transpose(1, 2).reshape(x.shape)
    return x + change


def temporal(module: TemporalModule, x: Tensor, attend: Attend = head_by_head) -> Tensor:
    """Return what a temporal module makes of frames [F, C, H, W]."""
    tokens = module.proj_in(module.norm(x).flatten(2).permute(2, 0, 1))
    for norm, part in zip(module.norms, module.attentions, strict=True):
        assert isinstance(part, TemporalAttention)
        placed = norm(tokens) + part.positions[:, : len(x)]
        tokens = tokens + attend(part.attention, placed, placed)
    tokens = module.proj_out(tokens + module.ff(module.ff_norm(tokens)))
    change: Tensor = tokens.permute(1, 2, 0).reshape(x.shape)
    return x + change


def _denoise_row(unet: DenoisingUNet, window: Window, row: int, attend: Attend) -> Tensor:
    places = iter(range(len(window.banks[0])))

    def visit(layer: Layer, x: Tensor) -> Tensor:
        x = _residual(unet.trunk, layer, x, window.timesteps)
        if layer.spatial is not None:
            place = next(places)
            references = [picture[place][row] for picture in window.banks]
            x = _spatial(layer.spatial, x, references, window.embedding[row : row + 1], attend)
        if layer.motion is not None and layer.temporal is not None:
            x = temporal(layer.temporal, motion(layer.motion, x, window.motion[row], attend), attend)
        return x

    x = unet.trunk(unet.trunk.conv_in(window.latents[row]) + window.pose[row], visit)
    noise: Tensor = unet.conv_out(F.silu(unet.conv_norm_out(x)))
    return noise


def _residual(trunk: Trunk, layer: Layer, x: Tensor, timesteps: Tensor) -> Tensor:
    half = trunk.conv_in.out_channels // 2
    turns = torch.arange(half, device=timesteps.device) / half
    angles = timesteps[:, None] * torch.exp(-math.log(10000) * turns)
    waves = torch.cat((angles.cos(), angles.sin()), dim=1).to(x)
    embedded = trunk.time_embedding(waves)
    shift = layer.time(F.silu(embedded))
    after: Tensor = layer.resnet(x, shift[:, :, None, None])
    return after


def _normed(spatial: SpatialTransformer, x: Tensor) -> Tensor:
    normed: Tensor = spatial.norm1(spatial.proj_in(spatial.norm(x)).flatten(2).transpose(1, 2))
    return normed


def _spatial(
    spatial: SpatialTransformer, x: Tensor, references: list[Tensor], embedding: Tensor, attend: Attend
) -> Tensor:
    tokens = spatial.proj_in(spatial.norm(x)).flatten(2).transpose(1, 2)
    normed = spatial.norm1(tokens)
    looked_at = [torch.cat((frame, *references)) for frame in normed]
    tokens = tokens + attend(spatial.attn1, normed, torch.stack(looked_at))
    portrait = embedding.expand(len(tokens), 1, -1)
    tokens = tokens + attend(spatial.attn2, spatial.norm2(tokens), portrait)
    tokens = tokens + spatial.ff(spatial.norm3(tokens))
    after: Tensor = x + spatial.proj_out(tokens.transpose(1, 2).reshape(x.shape))
    return after
