"""Which frames join the portrait as references: those whose motion was not seen before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

# Shapes: S slots, R motions remembered, D numbers of a motion.


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyframeConfig:
    """A frame is new when its motion is farther than `threshold` from all that were.

    Looked for from call number `first_call` (from 0) on, while there are fewer than `limit` keyframes.
    `remembered` motions are kept beside the portrait's. More than `limit` change no choice: up to the last
    keyframe every new motion is that of a keyframe, and after it none is chosen.
    """

    threshold: float = 17.0
    first_call: int = 9
    limit: int = 3
    remembered: int = 3

    def __post_init__(self) -> None:
        if self.remembered < self.limit:
            raise ValueError(f"{self.remembered} motions do not suffice for {self.limit} keyframes")


class SeenMotions(NamedTuple):
    """The motions [S, R, D] that were new, how many of them count [S], and the calls so far [S]."""

    motions: Tensor
    entries: Tensor
    calls: Tensor


class Choice(NamedTuple):
    """Which rows' motion is new and which of them take it as a keyframe [S]; how far it was from all [S]."""

    new: Tensor
    chosen: Tensor
    distance: Tensor


def see_nothing(config: KeyframeConfig, slots: int, width: int, device: torch.device) -> SeenMotions:
    """Return what `slots` fresh sessions have seen."""
    motions = torch.zeros(slots, config.remembered, width, device=device)
    calls = torch.zeros(slots, dtype=torch.int64, device=device)
    return SeenMotions(motions, calls, calls.clone())


def choose(
    config: KeyframeConfig, seen: SeenMotions, motion: Tensor, portrait: Tensor
) -> tuple[Choice, SeenMotions]:
    """Judge the motion [S, D] of the oldest frame of every row; `portrait` [S, D] has been seen by all."""
    motion = motion.float()
    places = torch.arange(seen.motions.shape[1], device=motion.device)
    distances = torch.linalg.vector_norm(motion.unsqueeze(1) - seen.motions, dim=-1)
    distances = distances.masked_fill(places >= seen.entries.unsqueeze(1), torch.inf)
    to_portrait = torch.linalg.vector_norm(motion - portrait.float(), dim=-1)
    nearest = distances.amin(dim=1).minimum(to_portrait)
    new = (nearest > config.threshold) & (seen.calls >= config.first_call)
    chosen = new & (seen.entries < config.limit)
    here = (places == seen.entries.unsqueeze(1)) & new.unsqueeze(1)
    motions = torch.where(here.unsqueeze(-1), motion.unsqueeze(1), seen.motions)
    entries = (seen.entries + new).clamp(max=config.remembered)
    return Choice(new, chosen, nearest), SeenMotions(motions, entries, seen.calls + 1)
