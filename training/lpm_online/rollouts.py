"""The student at work: streams of its own, chunk after chunk, with a gradient through one call of each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.lpm.base import cut
from models.lpm.conditions import Conditions
from models.lpm.online import Draft, OnlineLpm
from models.motion import CHUNK_FRAMES
from models.nn.cache import append_chunk

# Shapes: S rows, N frames, C chunk frames, M motion numbers.


class Drafts(NamedTuple):
    """What a backbone makes of a stretch, standardised: `clean` and `handed` [S, N, M]."""

    clean: Tensor
    handed: Tensor


def draft_stream(online: OnlineLpm, conditions: Conditions, noise: Tensor, exit_index: int) -> Drafts:
    """Stream the backbone alone over the conditions of N frames, from `noise` [S, N, M].

    `clean` is the estimate of its call number `exit_index`, and has a gradient through this one call of each
    chunk, as in Self-Forcing (arXiv 2506.08009). The past that is remembered has none.
    """
    network, layout = online.backbone.network, online.config.cache
    cache = online.init_state(len(noise)).noisy
    clean, handed = [], []
    for n in range(noise.shape[1] // CHUNK_FRAMES):
        memory = network.remember(cut(conditions, n, 1, online.config), CHUNK_FRAMES)
        past = network.recall(cache)
        noisy = estimate = _chunk(noise, n) * online.backbone.temperature
        for index, level in enumerate(online.schedule.levels):
            with torch.set_grad_enabled(index == exit_index and torch.is_grad_enabled()):
                call = network.chunk(noisy, noisy.new_full((len(noisy), 1), level), memory, past)
                estimate = online.settle(index, estimate.detach(), call.clean)
            if index == exit_index:
                clean.append(estimate)
            noisy = online.lower(index, estimate.detach(), noisy)
        cache = append_chunk(layout, cache, call.keys.detach(), call.values.detach(), _all(noise))
        handed.append(noisy)
    return Drafts(torch.cat(clean, dim=1), torch.cat(handed, dim=1))


def refine_stream(online: OnlineLpm, conditions: Conditions, drafts: Drafts) -> Tensor:
    """Stream the refiner over drafts: standardised motion [S, N, M], with a gradient through its one call."""
    network, layout = online.refiner.network, online.refiner.config.cache
    cache = online.init_state(len(drafts.clean)).clean
    made = []
    for n in range(drafts.clean.shape[1] // CHUNK_FRAMES):
        memory = network.remember(cut(conditions, n, 1, online.config), CHUNK_FRAMES)
        past = network.recall(cache)
        handed = _chunk(drafts.handed, n)
        draft = Draft(_chunk(drafts.clean, n), handed, handed.new_empty(0), handed.new_empty(0))
        refined = online.refine(draft, memory, past)
        made.append(refined)
        with torch.no_grad():
            shown = online.refiner.normalise(online.finish(refined.detach()))
            written = network.chunk(shown, shown.new_zeros(len(shown), 1), memory, past)
            cache = append_chunk(layout, cache, written.keys, written.values, _all(shown))
    return torch.cat(made, dim=1)


def _chunk(sequence: Tensor, n: int) -> Tensor:
    return sequence[:, n * CHUNK_FRAMES : (n + 1) * CHUNK_FRAMES]


def _all(rows: Tensor) -> Tensor:
    return torch.ones(len(rows), dtype=torch.bool, device=rows.device)
