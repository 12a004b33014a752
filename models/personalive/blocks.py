"""Convolutional blocks of both UNets, which diffusers provides, behind typed functions."""

from __future__ import annotations

from diffusers.models.attention import FeedForward
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import nn

from models.personalive.config import UNetConfig


def resnet(config: UNetConfig, channels_in: int, channels: int) -> nn.Module:
    """Return a block that maps ([R, channels_in, H, W], shift [R, channels, 1, 1]) to [R, channels, H, W].

    The shift is the time embedding, already projected: it is the same in every step (see `trunk.Layer`).
    """
    return ResnetBlock2D(
        in_channels=channels_in,
        out_channels=channels,
        temb_channels=None,  # type: ignore[arg-type]  # diffusers takes None for "already projected"
        groups=config.groups,
        eps=config.resnet_eps,
    )


def halving(channels: int) -> nn.Module:
    """Return a convolution that halves the resolution."""
    # Under its default name the class would register its convolution twice.
    return Downsample2D(channels, use_conv=True, name="op")


def doubling(channels: int) -> nn.Module:
    """Return nearest-neighbour doubling of the resolution, then a convolution."""
    return Upsample2D(channels, use_conv=True)


def feed_forward(width: int) -> nn.Module:
    """Return a feed-forward network with gated GELU, four times as wide inside."""
    return FeedForward(width)
