"""Finished spans as bytes."""

from __future__ import annotations

from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from models.fantasytalking.config import SamplerConfig
from models.fantasytalking.long_video import Finished
from services.generation.offline import Span

__all__ = ["finished_of", "latents_of", "span_of"]

_LATENTS: Final = "latents"


def span_of(finished: Finished) -> Span:
    """The bytes of a span."""
    carried = {f"{level:06d}": latents.cpu() for level, latents in enumerate(finished.carried)}
    return Span(shown=save({_LATENTS: finished.latents.cpu().contiguous()}), handed_on=save(carried))


def finished_of(span: Span, done: int, sampler: SamplerConfig, device: torch.device) -> Finished:
    """The last of `done` spans. Raises ValueError for a span of another number of steps, or other bytes."""
    latents, kept = latents_of(span.shown), _read(span.handed_on)
    if len(kept) != sampler.steps + 1:
        raise ValueError(f"a span with {len(kept) - 1} steps, expected {sampler.steps}")
    return Finished(done, latents.to(device), tuple(kept[name].to(device) for name in sorted(kept)))


def latents_of(shown: bytes) -> Tensor:
    """Latents [1, C, F, h, w]. Raises ValueError for any other bytes."""
    tensors = _read(shown)
    if list(tensors) != [_LATENTS]:
        raise ValueError(f"a damaged span: it holds {len(tensors)} tensors, expected {_LATENTS}")
    return tensors[_LATENTS]


def _read(data: bytes) -> dict[str, Tensor]:
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(f"a damaged span: {error}") from error
