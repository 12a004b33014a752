"""3x3 convolutions with fewer multiplications, for processors that multiply single numbers."""

from __future__ import annotations

from typing import Final

import torch
from einops import rearrange
from torch import Tensor, nn

__all__ = ["WinogradConv2d", "convolve_by_tiles"]

# Shapes: R pictures, C channels in, O channels out, h and w tiles of two by two pixels.

# Narrower convolutions spend more on cutting their planes into tiles than they save.
_MIN_CHANNELS: Final = 640
# What is cut at a time should stay near the core.
_TILES: Final = 256


def convolve_by_tiles(network: nn.Module, min_channels: int = _MIN_CHANNELS) -> None:
    """Replace the padded 3x3 convolutions of at least so many channels in `network`, which then only infers.

    The result is the same but for rounding; kernels take 16/9 of their memory. It is meant for float32 on a
    CPU: in half precision it would lose digits, and on a GPU it was not tried.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and _fits(child, min_channels):
                parent.register_module(name, WinogradConv2d(child))


class WinogradConv2d(nn.Module):
    """A padded 3x3 convolution [R, C, H, W] -> [R, O, H, W] with 16 products where there were 36.

    Four pixels of the result come from the 16 that they see: F(2x2, 3x3) of Winograd's minimal filtering
    (Lavin and Gray, arXiv 1509.09308, section 4.1).
    """

    kernels: Tensor
    bias: Tensor

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        weight = plain.weight.detach()
        third = weight.new_tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]).double()
        kernels = torch.einsum("ak,bl,ockl->baoc", third, third, weight.double())
        self.register_buffer("kernels", kernels.flatten(0, 1).to(weight))
        bias = weight.new_zeros(len(weight)) if plain.bias is None else plain.bias.detach()
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        padded = nn.functional.pad(x, (1, 1 + width % 2, 1, 1 + height % 2))
        at_once = max(1, 4 * _TILES // (height * width))
        whole = torch.cat([self._convolve(pictures) for pictures in torch.split(padded, at_once)])
        return whole[:, :, :height, :width]

    def _convolve(self, padded: Tensor) -> Tensor:
        # Pixels of even and of odd columns come to lie apart, so that what follows reads neighbours.
        phases = rearrange(padded, "r c (h a) (w b) -> a b c r h w", a=2, b=2).contiguous()
        rows = _cut(phases[0], phases[1], axis=3)
        tiles = _cut(rows[:, 0], rows[:, 1], axis=4)
        products = torch.bmm(self.kernels, tiles.flatten(3).flatten(0, 1))
        grid = products.view(4, 4, len(self.bias), *tiles.shape[3:])
        pixels = _join(_join(grid).transpose(0, 1))
        return rearrange(pixels, "a b o r h w -> r o (h a) (w b)").add_(self.bias[:, None, None])


def _cut(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """What the four samples of each tile along an axis contribute, [4, ...], from samples of either parity.

    Tiles begin two samples apart, and overlap by two.
    """
    count = even.shape[axis] - 1
    first, second = even.narrow(axis, 0, count), odd.narrow(axis, 0, count)
    third, fourth = even.narrow(axis, 1, count), odd.narrow(axis, 1, count)
    parts = even.new_empty(4, *first.shape)
    torch.sub(first, third, out=parts[0])
    torch.add(second, third, out=parts[1])
    torch.sub(third, second, out=parts[2])
    torch.sub(second, fourth, out=parts[3])
    return parts


def _join(parts: Tensor) -> Tensor:
    """Both samples of the result of each tile [2, ...], from its four products."""
    first, second, third, fourth = parts
    samples = parts.new_empty(2, *first.shape)
    torch.add(second, third, out=samples[0]).add_(first)
    torch.sub(second, third, out=samples[1]).sub_(fourth)
    return samples


def _fits(conv: nn.Conv2d, min_channels: int) -> bool:
    shape = (conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.groups)
    is_plain = shape == ((3, 3), (1, 1), (1, 1), (1, 1), 1) and conv.padding_mode == "zeros"
    return is_plain and min(conv.in_channels, conv.out_channels) >= min_channels
