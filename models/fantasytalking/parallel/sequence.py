"""Ulysses: processes share a video's tokens, and trade them for heads where tokens attend to each other.

Jacobs et al. 2023, "DeepSpeed Ulysses". Diffusers has it too, but its entry takes an accelerator for granted,
and what it has for tokens that do not divide among processes passes no gradients.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from diffusers.models.transformers.transformer_wan import WanAttention
from einops import rearrange
from torch import Tensor
from torch.distributed.tensor import DTensor

from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.parallel.exchange import Sequence
from models.fantasytalking.parallel.place import Place
from models.nn.attention import attend

# Shapes: B samples, L video tokens, K those of this process, P processes, H heads, E head width.


def share_sequence(network: FantasyTalking, place: Place) -> None:
    """Let the network compute its share of the video's tokens, and return the whole velocity everywhere.

    It must be given the same latents and context in every process of the sequence. Raises ValueError when
    heads do not divide among the processes.
    """
    degree, heads = place.config.sequence, network.config.backbone.heads
    if degree == 1:
        return
    if heads % degree:
        raise ValueError(f"{heads} heads do not divide among {degree} processes")
    sequence = Sequence(place.sequence_group, degree, place.sequence_rank)
    for block in network.backbone.blocks:
        block.attn1.processor = SharedAttention(sequence)
    network.sharing = sequence


def sum_gradients(network: FantasyTalking, place: Place) -> None:
    """Add up what the processes of a sequence know of the gradients, each having computed the same loss.

    Gradients of sharded weights are left alone: FSDP adds them up, see `shard_weights`.
    """
    for parameter in network.parameters():
        if parameter.grad is not None and not isinstance(parameter.grad, DTensor):
            dist.all_reduce(parameter.grad, group=place.sequence_group)


class SharedAttention:
    """The processor of a block's self-attention, whose tokens are shared among processes."""

    def __init__(self, sequence: Sequence) -> None:
        self.sequence = sequence

    def __call__(
        self,
        attn: WanAttention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,  # noqa: ARG002 -- the signature of a processor
        attention_mask: Tensor | None = None,  # noqa: ARG002
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Attend from tokens [B, K, D] to those of all processes; rotations [1, L, 1, E] are of all."""
        if rotary_emb is None:
            raise ValueError("expected the rotations of all video tokens, got none")
        total = rotary_emb[0].shape[1]
        share = self.sequence.share(total)
        turns = tuple(table[:, share.start : share.end] for table in rotary_emb)
        query = rotate(_split(attn.norm_q(attn.to_q(hidden_states)), attn.heads), *turns)
        key = rotate(_split(attn.norm_k(attn.to_k(hidden_states)), attn.heads), *turns)
        value = _split(attn.to_v(hidden_states), attn.heads)
        traded = self.sequence.trade_tokens(torch.stack((query, key, value)), total)
        attended = self.sequence.trade_heads(attend(*traded.unbind()))
        out: Tensor = attn.to_out[1](attn.to_out[0](attended.flatten(2)))
        return out


def rotate(tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn pairs of neighbouring channels of [B, K, H, E], by tables [1, K, 1, E] with each angle twice."""
    first, second = rearrange(tokens, "b k h (e two) -> two b k h e", two=2)
    cos, sin = cos[..., ::2], sin[..., ::2]
    turned = torch.stack((first * cos - second * sin, first * sin + second * cos), dim=-1)
    return turned.flatten(-2).to(tokens.dtype)


def _split(projected: Tensor, heads: int) -> Tensor:
    by_head: Tensor = rearrange(projected, "b k (h e) -> b k h e", h=heads)
    return by_head
