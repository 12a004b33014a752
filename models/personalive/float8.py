"""Approximate: the denoising UNet's weights in eight bits, half the memory of float16."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.personalive.denoising_unet import DenoisingUNet

# Shapes: O output channels.

_KIND: Final = torch.float8_e4m3fn


def store_float8(unet: DenoisingUNet) -> None:
    """Keep the weights of the layers' linear and convolutional modules in float8 (e4m3, arXiv 2209.05433).

    Each output channel has a scale of its own. They are made whole again in every step, so this saves memory
    and not work. Products that `fold` made stay as they are. Do it last: a change of dtype would undo it.
    """
    for layer in unet.trunk.layers():
        for part in (layer.resnet, layer.spatial, layer.motion, layer.temporal):
            if part is not None:
                _store(part)


class Float8Linear(nn.Module):
    """A linear module whose weights are kept in float8."""

    bias: Tensor | None

    def __init__(self, plain: nn.Linear) -> None:
        super().__init__()
        self.weight = Float8Weight(plain.weight.detach())
        self.register_buffer("bias", None if plain.bias is None else plain.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight(x), self.bias)


class Float8Conv(nn.Module):
    """A two-dimensional convolution whose weights are kept in float8."""

    bias: Tensor | None

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        assert isinstance(plain.padding, tuple), "published convolutions say how many pixels they pad"
        self.stride, self.padding = plain.stride, plain.padding
        self.weight = Float8Weight(plain.weight.detach())
        self.register_buffer("bias", None if plain.bias is None else plain.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight(x), self.bias, self.stride, self.padding)


class Float8Weight(nn.Module):
    """A weight [O, ...] in float8, and the scales [O, 1, ...] of its output channels in float32."""

    rounded: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        largest = weight.float().abs().amax(dim=tuple(range(1, weight.dim())), keepdim=True)
        scale = torch.where(largest > 0, largest / torch.finfo(_KIND).max, 1)
        self.register_buffer("scale", scale)
        self.register_buffer("rounded", (weight.float() / scale).to(_KIND))

    def forward(self, like: Tensor) -> Tensor:
        """Return the weight in the dtype of `like`."""
        return (self.rounded.float() * self.scale).to(like.dtype)


def _store(network: nn.Module) -> None:
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                parent.register_module(name, Float8Linear(child))
            elif isinstance(child, nn.Conv2d):
                parent.register_module(name, Float8Conv(child))
