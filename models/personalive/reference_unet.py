"""The reference UNet: what the denoising UNet's frames may look at of one picture."""

from __future__ import annotations

from torch import Tensor, nn

from models.personalive.config import UNetConfig
from models.personalive.shapes import still
from models.personalive.spatial import SpatialTransformer
from models.personalive.trunk import Layer, Trunk

# Shapes: B rows, N = H * W tokens, C width of a layer.

Bank = tuple[Tensor, ...]


class ReferenceUNet(nn.Module):
    """A UNet that is only run for the normed tokens [B, N, C] before each of its spatial attentions."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(config, still(config))

    def shifts(self) -> tuple[Tensor, ...]:
        """Return the shifts of all layers for a picture without noise, the same for every picture."""
        return self.trunk.shifts(self.trunk.conv_in.weight.new_zeros(1))

    def portraits(self, embedding: Tensor) -> tuple[Tensor, ...]:
        """Return what a portrait's embedding [B, image_width] adds in every spatial transformer."""
        return tuple(spatial.portrait(embedding) for spatial in self._spatials())

    def forward(self, latents: Tensor, shifts: tuple[Tensor, ...], portraits: tuple[Tensor, ...]) -> Bank:
        """Return the bank of `latents` [B, 4, H, W], in the order of `UNetConfig.banks`.

        `shifts` and `portraits` are as the methods of these names give them. What comes after the last
        normed tokens is never computed.
        """
        bank: list[Tensor] = []
        shift = iter(shifts)
        last = len(portraits) - 1

        def visit(layer: Layer, x: Tensor) -> Tensor:
            x = layer.resnet(x, next(shift)[:, :, None, None])
            if layer.spatial is None:
                return x
            tokens = layer.spatial.tokens(x)
            normed = layer.spatial.norm1(tokens)
            bank.append(normed)
            if len(bank) > last:
                return x
            attended = layer.spatial.attn1(normed, layer.spatial.attn1.project(normed))
            return layer.spatial.leave(layer.spatial.rest(tokens, attended, portraits[len(bank) - 1]), x)

        self.trunk(self.trunk.conv_in(latents), visit)
        return tuple(bank)

    def _spatials(self) -> list[SpatialTransformer]:
        return [layer.spatial for layer in self.trunk.layers() if layer.spatial is not None]
