"""Online LPM: a backbone drafts a chunk in two steps on a noisy past, a refiner ends it on a clean one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.lpm.conditions import Conditions, Heard, Inputs, Memory
from models.lpm.config import LpmConfig
from models.lpm.mixers import Past
from models.lpm.model import Lpm, LpmChunk, inputs_of
from models.motion import CHUNK_FRAMES
from models.nn.cache import KVCache, append_chunk, reset_cache

# Shapes: S slots, C chunk frames, M motion numbers.


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The noise levels of a chunk: those that the backbone starts from, and the one it hands over at."""

    levels: tuple[float, ...] = (1.0, 0.55)
    handover: float = 0.3

    def __post_init__(self) -> None:
        falling = (*self.levels, self.handover, 0.0)
        if self.levels[:1] != (1.0,) or any(a <= b for a, b in pairwise(falling)):
            raise ValueError(f"levels must fall from 1.0 and stay above 0, got {falling[:-1]}")

    @property
    def history(self) -> float:
        """The level at which the backbone remembers a chunk: that of its last call."""
        return self.levels[-1]

    def after(self, index: int) -> float:
        """Return the level that follows the backbone's level `index`."""
        return (*self.levels, self.handover)[index + 1]


class OnlineState(NamedTuple):
    """The bounded past of every slot, as the backbone and as the refiner remember it."""

    noisy: KVCache
    clean: KVCache


class Draft(NamedTuple):
    """A chunk as the backbone leaves it, each [S, C, M] and standardised, and what it remembers of it."""

    clean: Tensor
    handed: Tensor
    keys: Tensor
    values: Tensor


class OnlineLpm(nn.Module):
    """A `StreamingModel[OnlineState, LpmChunk, Tensor]`: each step gives motion [slots, 5, 58].

    Follows LPM 1.0 (arXiv 2604.07823, "2+1"): the backbone's past is what its own last call had in hand,
    kept without another pass; the refiner's is its own finished motion, written in a second one. Neither
    past depends on the other, so a backbone may run ahead of its refiner. Neither is guided: what guidance
    does is in the paths that their teacher showed them.
    """

    def __init__(self, backbone: Lpm, refiner: Lpm, schedule: Schedule) -> None:
        super().__init__()
        if _heard_by(backbone.config) != _heard_by(refiner.config):
            raise ValueError("the backbone and the refiner must be conditioned and sampled alike")
        self.config = backbone.config
        self.schedule = schedule
        self.backbone = backbone
        self.refiner = refiner

    def init_state(self, slots: int) -> OnlineState:
        """Return the state of `slots` fresh sessions."""
        return OnlineState(self.backbone.init_state(slots).cache, self.refiner.init_state(slots).cache)

    def reset(self, state: OnlineState, rows: Tensor) -> OnlineState:
        """Make the marked rows fresh; `rows` is boolean [slots]."""
        return OnlineState(reset_cache(state.noisy, rows), reset_cache(state.clean, rows))

    def step(self, state: OnlineState, chunk: LpmChunk, active: Tensor) -> tuple[Tensor, OnlineState]:
        """Make one chunk of motion [slots, 5, 58], clamped to what a face can do."""
        backbone, refiner = self.backbone.network, self.refiner.network
        for_backbone, for_refiner = self._conditions(inputs_of(chunk))
        memory = backbone.remember(for_backbone, CHUNK_FRAMES)
        draft = self.draft(chunk.noise, memory, backbone.recall(state.noisy))
        noisy = append_chunk(self.config.cache, state.noisy, draft.keys, draft.values, active)
        memory = refiner.remember(for_refiner, CHUNK_FRAMES)
        past = refiner.recall(state.clean)
        handed_pace, clean_pace = refiner.paces((self.schedule.handover, 0.0))
        estimate = refiner.estimate(draft.handed, handed_pace, memory, past).clean
        motion = self.finish(self.settle(len(self.schedule.levels), draft.clean, estimate))
        written = refiner.write(self.refiner.normalise(motion), clean_pace, memory, past)
        clean = append_chunk(self.refiner.config.cache, state.clean, *written, active)
        return motion, OnlineState(noisy, clean)

    def share_ears(self) -> OnlineLpm:
        """Let the refiner hear with the backbone's encoders where its own are equal to them."""
        backbone, refiner = self.backbone.network, self.refiner.network
        if _is_equal(backbone.speak_encoder, refiner.speak_encoder):
            refiner.speak_encoder = backbone.speak_encoder
        if _is_equal(backbone.listen_encoder, refiner.listen_encoder):
            refiner.listen_encoder = backbone.listen_encoder
        return self

    def _conditions(self, inputs: Inputs) -> tuple[Conditions, Conditions]:
        """Encode what the backbone and the refiner are told; what they hear alike is encoded once."""
        backbone, refiner = self.backbone.network, self.refiner.network
        first = backbone.encode(inputs)
        speak, listen = first.speak, first.listen
        if refiner.speak_encoder is not backbone.speak_encoder:
            speak = Heard(refiner.speak_encoder(inputs.speak), inputs.speak_presence)
        if refiner.listen_encoder is not backbone.listen_encoder:
            listen = Heard(refiner.listen_encoder(inputs.listen), inputs.listen_presence)
        return first, Conditions(speak, listen, refiner.direct(inputs))

    def draft(self, noise: Tensor, memory: list[Memory], past: Past) -> Draft:
        """Take the backbone's steps from standard normal `noise` [S, C, M]."""
        noisy = clean = noise * self.backbone.temperature
        for index, pace in enumerate(self.backbone.network.paces(self.schedule.levels)):
            call = self.backbone.network.estimate(noisy, pace, memory, past)
            clean = self.settle(index, clean, call.clean)
            noisy = self.lower(index, clean, noisy)
        return Draft(clean, noisy, call.keys, call.values)

    def refine(self, draft: Draft, memory: list[Memory], past: Past) -> Tensor:
        """Take the refiner's step [S, C, M], standardised."""
        level = _level(draft.handed, self.schedule.handover)
        estimate = self.refiner.network.chunk(draft.handed, level, memory, past).clean
        return self.settle(len(self.schedule.levels), draft.clean, estimate)

    def settle(self, index: int, clean: Tensor, estimate: Tensor) -> Tensor:
        """Return the estimate number `index`, the mouth as it was if it is settled by then."""
        settled = self.backbone.mouth & (index >= self.config.sampler.mouth_levels)
        return torch.where(settled, clean, estimate)

    def lower(self, index: int, clean: Tensor, noisy: Tensor) -> Tensor:
        """Go from the backbone's level `index` to the next, along the same noise."""
        return clean + (self.schedule.after(index) / self.schedule.levels[index]) * (noisy - clean)

    def finish(self, standard: Tensor) -> Tensor:
        """Return the motion that is shown and remembered: within the valid range, its head nearer to rest."""
        return self.refiner.denormalise(standard) * self.refiner.homing


def _heard_by(config: LpmConfig) -> LpmConfig:
    """What both networks must agree on; how much they remember is each one's own matter."""
    return replace(config, sink_chunks=0, window_chunks=0)


def _is_equal(one: nn.Module, other: nn.Module) -> bool:
    parts, others = one.state_dict(), other.state_dict()
    return parts.keys() == others.keys() and all(torch.equal(parts[name], others[name]) for name in parts)


def _level(like: Tensor, level: float) -> Tensor:
    return like.new_full((like.shape[0], 1), level)
