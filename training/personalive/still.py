"""The denoising UNet on single pictures, each at a noise level of its own: temporal modules are left out."""

from __future__ import annotations

from torch import Tensor, nn

from models.personalive.denoising_unet import DenoisingUNet
from models.personalive.spatial import SpatialContext
from models.personalive.trunk import Layer
from training.personalive.conditions import Told

# Shapes: B pictures, h rows and columns of latents.


def tell_noise(unet: DenoisingUNet, latents: Tensor, timesteps: Tensor, told: Told) -> Tensor:
    """Return the noise in `latents` [B, 4, h, h] at `timesteps` [B]; `told` is of one frame a row."""
    shifts = iter(unet.trunk.shifts(timesteps))
    contexts = (
        SpatialContext(portrait, references, None)
        for portrait, references in zip(told.constants, told.memory, strict=True)
    )
    motion = told.motion.flatten(0, 1)

    def visit(layer: Layer, x: Tensor) -> Tensor:
        x = layer.resnet(x, next(shifts)[:, :, None, None])
        if layer.spatial is not None:
            x = layer.spatial(x, next(contexts))
        return x if layer.motion is None else layer.motion(x, motion)

    x = unet.trunk(unet.trunk.conv_in(latents) + told.pose.flatten(0, 1), visit)
    noise: Tensor = unet.conv_out(nn.functional.silu(unet.conv_norm_out(x)))
    return noise
