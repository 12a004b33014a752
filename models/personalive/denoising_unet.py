"""The denoising UNet: the noise in a window of frames, whose levels differ."""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from models.personalive.attention import KeyValues
from models.personalive.config import UNetConfig
from models.personalive.reference_unet import Bank
from models.personalive.shapes import moving
from models.personalive.spatial import SpatialContext, SpatialTransformer
from models.personalive.trunk import Layer, Trunk

# Shapes: B rows, F frames of a window, S reference pictures, N = H * W tokens, C width of a layer.

Shifts = tuple[Tensor, ...]
Portraits = tuple[Tensor, ...]
Memory = tuple[KeyValues, ...]


class Conditions(NamedTuple):
    """What a window is denoised by; tuples go in the order in which layers or spatial transformers run.

    `shifts` [F, C] and `portraits` [B, C] are as `DenoisingUNet.shifts` and `.portraits` give them. `memory`
    holds the projected tokens [B, S, N, C] of the portrait and its keyframes, of which those not `present`
    [B, S] are void; all count where it is None. `motion` is [B, F, motion tokens, motion width].
    """

    shifts: Shifts
    portraits: Portraits
    memory: Memory
    present: Tensor | None
    motion: Tensor


class DenoisingUNet(nn.Module):
    """A UNet over windows, with spatial attention to references, attention to motion and along frames."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(config, moving(config))
        self.conv_norm_out = nn.GroupNorm(config.groups, config.channels[0], eps=config.resnet_eps)
        self.conv_out = nn.Conv2d(config.channels[0], config.latent_channels, 3, padding=1)

    def shifts(self, timesteps: Tensor) -> Shifts:
        """Return the shifts of all layers for frames at `timesteps` [F]."""
        return self.trunk.shifts(timesteps)

    def portraits(self, embedding: Tensor) -> Portraits:
        """Return what a portrait's embedding [B, image_width] adds in every spatial transformer."""
        return tuple(spatial.portrait(embedding) for spatial in self._spatials())

    def remember(self, bank: Bank) -> Memory:
        """Project the bank of one picture per row, [B, N, C] each, to a memory of one: [B, 1, N, C]."""
        return tuple(
            spatial.attn1.project(tokens[:, None])
            for spatial, tokens in zip(self._spatials(), bank, strict=True)
        )

    def forward(self, latents: Tensor, pose: Tensor, conditions: Conditions) -> Tensor:
        """Return the noise in `latents` [B, F, 4, H, W]; `pose` [B, F, C, H, W] comes of the pose guider."""
        frames = latents.shape[1]
        motion = conditions.motion.flatten(0, 1)
        shifts = (shift.repeat(latents.shape[0], 1)[:, :, None, None] for shift in conditions.shifts)
        contexts = (
            SpatialContext(portrait, references, conditions.present)
            for portrait, references in zip(conditions.portraits, conditions.memory, strict=True)
        )

        def visit(layer: Layer, x: Tensor) -> Tensor:
            x = layer.resnet(x, next(shifts))
            if layer.spatial is not None:
                x = layer.spatial(x, next(contexts))
            if layer.motion is not None and layer.temporal is not None:
                x = layer.temporal(layer.motion(x, motion), frames)
            return x

        x = self.trunk.conv_in(latents.flatten(0, 1)) + pose.flatten(0, 1)
        x = self.conv_norm_out(self.trunk(x, visit))
        noise: Tensor = self.conv_out(nn.functional.silu(x))
        return rearrange(noise, "(b f) c h w -> b f c h w", f=frames)

    def _spatials(self) -> list[SpatialTransformer]:
        return [layer.spatial for layer in self.trunk.layers() if layer.spatial is not None]


def together(first: Memory, *others: Memory) -> Memory:
    """Join memories of the same rows: [B, S, N, C] with the sum of their S."""
    return tuple(
        KeyValues(*(torch.cat(parts, dim=1) for parts in zip(*places, strict=True)))
        for places in zip(first, *others, strict=True)
    )
