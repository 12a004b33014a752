"""Multi-head attention over tokens, with keys and values that may have been projected before."""

from __future__ import annotations

from typing import NamedTuple

from einops import rearrange
from torch import Tensor, nn

# Shapes: R rows or frames, N query tokens, K key tokens, C width.


class KeyValues(NamedTuple):
    """Projected keys and values, each [..., K, C], heads not yet apart."""

    keys: Tensor
    values: Tensor


class Attention(nn.Module):
    """The projections of an attention: queries from `width` channels, the rest from `context_width`."""

    def __init__(self, *, width: int, context_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.Linear(width, width)

    def project(self, context: Tensor) -> KeyValues:
        """Project context tokens [..., K, context_width]."""
        return KeyValues(self.to_k(context), self.to_v(context))

    def forward(self, tokens: Tensor, context: KeyValues, mask: Tensor | None = None) -> Tensor:
        """Return [R, N, C] for `tokens` [R, N, C]; `mask` is boolean and broadcasts to [R, heads, N, K]."""
        attended = attend(self.to_q(tokens), context, heads=self.heads, mask=mask)
        merged: Tensor = self.to_out(attended)
        return merged


def attend(queries: Tensor, context: KeyValues, *, heads: int, mask: Tensor | None = None) -> Tensor:
    """Return the values [R, N, C] that `queries` [R, N, C] attend to, every head apart."""
    attended = nn.functional.scaled_dot_product_attention(
        _heads_apart(queries, heads),
        _heads_apart(context.keys, heads),
        _heads_apart(context.values, heads),
        attn_mask=mask,
    )
    return rearrange(attended, "r h n e -> r n (h e)")


def _heads_apart(tokens: Tensor, heads: int) -> Tensor:
    return rearrange(tokens, "r n (h e) -> r h n e", h=heads)
