"""Base LPM: motion of any length, offline, every frame of a window seeing every other; guided; continued."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from models.lpm.conditions import Conditions, Heard, Inputs, Memory, Presence
from models.lpm.config import LpmConfig
from models.lpm.model import Lpm
from models.lpm.streams import DirectionTokens
from models.motion import CHUNK_FRAMES, NUM_BLENDSHAPES

# Shapes: S rows, N motion frames, M motion numbers.


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """How far to go beyond what an estimate gains by knowing the sound, and the direction: 1 is as far."""

    sound: float = 1.0
    direction: float = 1.0

    @property
    def estimates(self) -> int:
        """Estimates that are combined to one."""
        if self.sound != self.direction:
            return 3
        return 1 if self.sound == 1.0 else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseConfig:
    """The sampling of Base LPM.

    A window has `window_chunks`. Each but the first begins with `given_chunks` of the one before, clean, and
    fades from the one before to itself over the next `faded_chunks`. `levels` are the descending noise levels
    of the Euler sampler.
    """

    window_chunks: int = 25
    given_chunks: int = 3
    faded_chunks: int = 2
    levels: tuple[float, ...] = (1.0, 0.9, 0.8, 0.675, 0.55, 0.425, 0.3, 0.2, 0.1)
    guidance: Guidance = field(default_factory=Guidance)

    def __post_init__(self) -> None:
        if min(self.given_chunks, self.faded_chunks) < 1 or self.stride_chunks < 1:
            raise ValueError(
                f"a window of {self.window_chunks} chunks cannot begin with {self.given_chunks} given ones "
                f"and {self.faded_chunks} faded ones"
            )
        if self.levels[:1] != (1.0,) or any(a <= b for a, b in pairwise((*self.levels, 0.0))):
            raise ValueError(f"levels must fall from 1.0 and stay above 0, got {self.levels}")

    @property
    def stride_chunks(self) -> int:
        return self.window_chunks - self.given_chunks - self.faded_chunks


class BaseLpm:
    """Samples with the network of an `Lpm` that has learned to see whole windows.

    Follows LPM 1.0 (arXiv 2604.07823): classifier-free guidance on sound and on direction, latent
    continuation with overlap blending.
    """

    def __init__(self, lpm: Lpm, config: BaseConfig) -> None:
        self.lpm = lpm
        self.config = config

    def generate(self, inputs: Inputs, noise: Tensor) -> Tensor:
        """Return motion [S, N, M] for the conditions of N frames and standard normal `noise` [S, N, M]."""
        conditions, chunks = self.lpm.network.encode(inputs), noise.shape[1] // CHUNK_FRAMES
        motion = self.window(conditions, noise[:, : self.config.window_chunks * CHUNK_FRAMES], None)
        while motion.shape[1] < noise.shape[1]:
            first = motion.shape[1] // CHUNK_FRAMES - self.config.given_chunks - self.config.faded_chunks
            last = min(first + self.config.window_chunks, chunks)
            start = first * CHUNK_FRAMES
            given = motion[:, start : start + self.config.given_chunks * CHUNK_FRAMES]
            following = self.window(conditions, noise[:, start : last * CHUNK_FRAMES], given, first)
            motion = self._joined(motion, following)
        return motion

    def window(self, conditions: Conditions, noise: Tensor, given: Tensor | None, first: int = 0) -> Tensor:
        """Return the motion [S, N, M] of a window that starts with the chunk `first` of the conditions.

        It begins with the motion `given` [S, G, M] if there is any. The head goes once, in the course of the
        window, the share of its way home that `SamplerConfig.homing` names.
        """
        here = cut(conditions, first, noise.shape[1] // CHUNK_FRAMES, self.lpm.config)
        start = None if given is None else self.lpm.normalise(given)
        sampled = self.trajectory(here, noise * self.lpm.temperature, start)[-1]
        motion = self.lpm.denormalise(sampled) * self._homing(noise, given)
        return motion if given is None else torch.cat((given, motion[:, given.shape[1] :]), dim=1)

    def trajectory(self, conditions: Conditions, noise: Tensor, given: Tensor | None) -> list[Tensor]:
        """Return the points of the path [S, N, M], standardised: one at each level, then the clean end.

        `noise` has its temperature already. The mouth is settled after the first few estimates.
        """
        config, sampler = self.config, self.lpm.config.sampler
        memories = self._memories(conditions, noise.shape[1])
        points = [_beginning_with(given, noise)]
        clean = noise
        for index, (level, after) in enumerate(pairwise((*config.levels, 0.0))):
            estimate = self._guided(points[-1], self._levels(noise, level, given), memories)
            settled = self.lpm.mouth & (index >= sampler.mouth_levels)
            clean = torch.where(settled, clean, estimate)
            points.append(_beginning_with(given, clean + (after / level) * (points[-1] - clean)))
        return points

    def estimate(self, noisy: Tensor, level: Tensor, conditions: Conditions) -> Tensor:
        """Return the guided clean estimate [S, N, M] of `noisy` at `level` [S, N / C]."""
        return self._guided(noisy, level, self._memories(conditions, noisy.shape[1]))

    def _memories(self, conditions: Conditions, frames: int) -> list[list[Memory]]:
        """What is read by each estimate that guidance needs: told all; all but direction; nothing."""
        guidance = self.config.guidance
        untold = self._untold(conditions)
        heard = conditions._replace(direction=untold.direction)
        told = {1: (conditions,), 2: (conditions, untold), 3: (conditions, heard, untold)}[guidance.estimates]
        return [self.lpm.network.remember(each, frames) for each in told]

    def _guided(self, noisy: Tensor, level: Tensor, memories: list[list[Memory]]) -> Tensor:
        """Combine the estimates: nothing + sound * (heard - nothing) + direction * (all - heard)."""
        guidance = self.config.guidance
        told, *others = [self.lpm.network.whole(noisy, level, memory) for memory in memories]
        if not others:
            return told
        heard, nothing = others[0], others[-1]
        if len(others) == 1:
            return nothing + guidance.direction * (told - nothing)
        return nothing + guidance.sound * (heard - nothing) + guidance.direction * (told - heard)

    def _untold(self, conditions: Conditions) -> Conditions:
        """The conditions of whom nothing is told."""
        seen = torch.zeros_like(conditions.direction.seen)
        seen[..., -1] = True
        rest = self.lpm.network.direction_encoder.rest[1].to(conditions.direction.tokens)
        tokens = conditions.direction.tokens.clone()
        tokens[..., -1, :] = rest
        return Conditions(
            speak=_unheard(conditions.speak),
            listen=_unheard(conditions.listen),
            direction=DirectionTokens(tokens, seen),
        )

    def _levels(self, noise: Tensor, level: float, given: Tensor | None) -> Tensor:
        levels = noise.new_full((noise.shape[0], noise.shape[1] // CHUNK_FRAMES), level)
        if given is not None:
            levels[:, : given.shape[1] // CHUNK_FRAMES] = 0
        return levels

    def _homing(self, noise: Tensor, given: Tensor | None) -> Tensor:
        """Factors [N, M] that bring the head a little back to rest after what is given."""
        before = 0 if given is None else given.shape[1]
        made = torch.arange(noise.shape[1], device=noise.device) - before + 1
        way = made.clamp(min=0) / (noise.shape[1] - before)
        factors = noise.new_ones(noise.shape[1:])
        factors[:, NUM_BLENDSHAPES:] -= self.lpm.config.sampler.homing * way[:, None]
        return factors

    def _joined(self, motion: Tensor, following: Tensor) -> Tensor:
        """Append a window to the motion that it continues, fading from one to the other."""
        given = self.config.given_chunks * CHUNK_FRAMES
        faded = self.config.faded_chunks * CHUNK_FRAMES
        old, new = motion[:, -faded:], following[:, given : given + faded]
        share = torch.arange(1, faded + 1, device=motion.device)[:, None] / (faded + 1)
        return torch.cat(
            (motion[:, :-faded], old + share * (new - old), following[:, given + faded :]), dim=1
        )


def cut(conditions: Conditions, first: int, chunks: int, config: LpmConfig) -> Conditions:
    """Return the conditions of `chunks` chunks from the chunk `first` on."""
    here, start, frames = slice(first, first + chunks), first * CHUNK_FRAMES, chunks * CHUNK_FRAMES
    rate = config.tokens_per_frame
    spoken = slice(start * rate, (start + frames - 1) * rate + config.attention_window)
    heard = slice(start, start + frames - 1 + config.listen.window)
    return Conditions(
        speak=Heard(conditions.speak.tokens[:, spoken], conditions.speak.presence[:, here]),
        listen=Heard(conditions.listen.tokens[:, heard], conditions.listen.presence[:, here]),
        direction=DirectionTokens(conditions.direction.tokens[:, here], conditions.direction.seen[:, here]),
    )


def _unheard(heard: Heard) -> Heard:
    return heard._replace(presence=torch.full_like(heard.presence, Presence.UNKNOWN.value))


def _beginning_with(given: Tensor | None, noisy: Tensor) -> Tensor:
    return noisy if given is None else torch.cat((given, noisy[:, given.shape[1] :]), dim=1)
