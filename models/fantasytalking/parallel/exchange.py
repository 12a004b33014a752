"""What the processes of a sequence send each other: tokens for heads and back, and results to all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from einops import rearrange
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.fantasytalking.attention import Share

# Shapes: B samples, L tokens of all processes, K those of this one, P processes, H heads, E head width.


class Sequence(NamedTuple):
    """Neighbouring processes that share tokens; the first ones hold one more if they do not divide."""

    group: dist.ProcessGroup
    degree: int
    rank: int

    def share(self, total: int) -> Share:
        """Return which of `total` tokens this process holds."""
        return share_of(total, self.rank, self.degree)

    def sizes(self, total: int) -> list[int]:
        """Return how many tokens every process holds."""
        shares = [share_of(total, rank, self.degree) for rank in range(self.degree)]
        return [share.end - share.start for share in shares]

    def trade_tokens(self, tokens: Tensor, total: int) -> Tensor:
        """Return all tokens [..., L, H / P, E] with some heads, for some tokens [..., K, H, E] with all."""
        sent = rearrange(tokens, "... k (p h) e -> p k ... h e", p=self.degree).flatten(0, 1)
        received = self._exchange(sent, [tokens.shape[-3]] * self.degree, self.sizes(total))
        traded: Tensor = rearrange(received, "l ... h e -> ... l h e")
        return traded

    def trade_heads(self, heads: Tensor) -> Tensor:
        """Return some tokens [..., K, H, E] with all heads, for all tokens [..., L, H / P, E] with some."""
        sizes = self.sizes(heads.shape[-3])
        sent = rearrange(heads, "... l h e -> l ... h e")
        received = self._exchange(sent, sizes, [sizes[self.rank]] * self.degree)
        traded: Tensor = rearrange(received, "(p k) ... h e -> ... k (p h) e", p=self.degree)
        return traded

    def gather(self, part: Tensor, total: int) -> Tensor:
        """Return what all processes have [B, L, D], of what this one has [B, K, D]."""
        apply: Callable[..., Tensor] = _Gather.apply
        return apply(part, self, total)

    def _exchange(self, sent: Tensor, sent_sizes: list[int], received_sizes: list[int]) -> Tensor:
        apply: Callable[..., Tensor] = _Exchange.apply
        return apply(sent, self.group, sent_sizes, received_sizes)


def share_of(total: int, rank: int, degree: int) -> Share:
    """Return which of `total` tokens one of `degree` processes holds."""
    size, longer = divmod(total, degree)
    start = rank * size + min(rank, longer)
    return Share(start=start, end=start + size + (rank < longer), total=total)


class _Exchange(torch.autograd.Function):
    """Rows for every process, in the order of ranks, for rows from every process."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 -- holds what is put into it
        sent: Tensor,
        group: dist.ProcessGroup,
        sent_sizes: list[int],
        received_sizes: list[int],
    ) -> Tensor:
        ctx.exchange = (group, sent_sizes, received_sizes)
        return _all_to_all(sent, group, sent_sizes, received_sizes)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        group, sent_sizes, received_sizes = ctx.exchange
        return _all_to_all(gradient, group, received_sizes, sent_sizes), None, None, None


class _Gather(torch.autograd.Function):
    """The parts of all processes. All compute the same from the whole, so gradients are not added up."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, sequence: Sequence, total: int) -> Tensor:  # noqa: ANN401
        ctx.share = sequence.share(total)
        sizes = sequence.sizes(total)
        # Parts differ by one token at most, but only equal ones can be gathered.
        own = torch.nn.functional.pad(part, (0, 0, 0, max(sizes) - part.shape[1])).contiguous()
        parts = [torch.empty_like(own) for _ in sizes]
        dist.all_gather(parts, own, group=sequence.group)
        return torch.cat([part[:, :size] for part, size in zip(parts, sizes, strict=True)], dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        return gradient[:, ctx.share.start : ctx.share.end], None, None


def _all_to_all(
    sent: Tensor, group: dist.ProcessGroup, sent_sizes: list[int], received_sizes: list[int]
) -> Tensor:
    received = sent.new_empty(sum(received_sizes), *sent.shape[1:])
    dist.all_to_all_single(received, sent.contiguous(), received_sizes, sent_sizes, group=group)
    return received
