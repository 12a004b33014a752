"""The same networks with fewer operations: products of weights that inference would repeat, taken once."""

from __future__ import annotations

import math

import torch
from diffusers.models.upsampling import Upsample2D
from einops import rearrange
from torch import Tensor, nn

from models.personalive.motion_module import MotionAttention

# Shapes: R = rows * frames, N tokens of a frame, C width, E head width, M motion tokens, D their width.


def fold(network: nn.Module) -> None:
    """Replace what can be folded in `network`, which from then on infers and is not trained or saved.

    The result is the same but for rounding: the weights' products are taken in double precision.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, MotionAttention):
                parent.register_module(name, FoldedMotionAttention(child))
            elif isinstance(child, Upsample2D) and child.use_conv and child.interpolate:
                parent.register_module(name, PhaseDoubling(child.conv))


class FoldedMotionAttention(nn.Module):
    """Attention from tokens [R, N, C] to motion tokens [R, M, D], where D is far less than a head's width.

    A score is x Q K' m' / sqrt(E): the product of Q and K' maps tokens to D numbers per head, which meet
    motion tokens as they are. The values' projection joins that of the output in the same way.
    """

    scores: Tensor
    outputs: Tensor
    bias: Tensor

    def __init__(self, plain: MotionAttention) -> None:
        super().__init__()
        attention = plain.attention
        self.heads = attention.heads
        self.scale = 1 / math.sqrt(attention.to_q.out_features // attention.heads)
        query, key, value = (
            rearrange(each.weight.detach().double(), "(h e) c -> h e c", h=self.heads)
            for each in (attention.to_q, attention.to_k, attention.to_v)
        )
        out = rearrange(attention.to_out.weight.detach().double(), "c (h e) -> c h e", h=self.heads)
        scores = torch.einsum("hed,hec->hdc", key, query).flatten(0, 1)
        outputs = torch.einsum("che,hed->chd", out, value).flatten(1, 2)
        self.register_buffer("scores", scores.to(attention.to_q.weight))
        self.register_buffer("outputs", outputs.to(attention.to_out.weight))
        self.register_buffer("bias", attention.to_out.bias.detach())

    def forward(self, tokens: Tensor, motion: Tensor) -> Tensor:
        queries = rearrange(nn.functional.linear(tokens, self.scores), "r n (h d) -> r h n d", h=self.heads)
        offered = motion[:, None].expand(-1, self.heads, -1, -1)
        attended = nn.functional.scaled_dot_product_attention(queries, offered, offered, scale=self.scale)
        return nn.functional.linear(rearrange(attended, "r h n d -> r n (h d)"), self.outputs, self.bias)


class PhaseDoubling(nn.Module):
    """Nearest-neighbour doubling and a 3x3 convolution, [R, C, H, W] -> [R, C, 2 H, 2 W], in one.

    Of the nine pixels that a pixel of the result sees, doubled ones are equal: four differ. So each of the
    four phases of the result is a 2x2 convolution of the original, 16 products in place of 36.
    """

    phases: Tensor
    bias: Tensor | None

    def __init__(self, conv: nn.Module | None) -> None:
        super().__init__()
        if not isinstance(conv, nn.Conv2d) or conv.kernel_size != (3, 3) or conv.padding != (1, 1):
            raise ValueError(f"expected a padded 3x3 convolution, got {conv}")
        taps = torch.tensor([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], dtype=torch.float64)
        weight = conv.weight.detach()
        taps = taps.to(weight.device)
        phases = torch.einsum("akr,bls,oirs->aboikl", taps, taps, weight.double())
        self.register_buffer("phases", phases.to(weight))
        self.register_buffer("bias", None if conv.bias is None else conv.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = x.shape[2] + 1, x.shape[3] + 1
        padded = nn.functional.pad(x, (1, 1, 1, 1))
        phases = [
            nn.functional.conv2d(padded[:, :, a : a + rows, b : b + columns], self.phases[a, b], self.bias)
            for a in range(2)
            for b in range(2)
        ]
        return nn.functional.pixel_shuffle(torch.stack(phases, dim=2).flatten(1, 2), 2)
