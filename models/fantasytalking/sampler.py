"""Euler flow matching with explicit noise levels, and guidance that runs only passes that count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from models.fantasytalking.config import SamplerConfig

ContextT = TypeVar("ContextT")
# From noisy latents and a timestep [B] to the velocity from data to noise.
Velocity = Callable[[Tensor, Tensor], Tensor]
# From a network and its weighted passes to the velocity that they stand for.
Guidance = Callable[[Callable[[Tensor, Tensor, ContextT], Tensor], list[tuple[float, ContextT]]], Velocity]
TIMESTEPS = 1000.0


class Passes(NamedTuple, Generic[ContextT]):
    """What the network is given in the three passes of guidance.

    `speech`: speech and prompt; `prompt`: the prompt without speech; `negative`: the negative prompt alone.
    """

    speech: ContextT
    prompt: ContextT
    negative: ContextT


def noise_levels(config: SamplerConfig) -> Tensor:
    """Return steps + 1 noise levels in single precision, from 1 down to 0, even before their shift."""
    even = torch.linspace(1.0, 0.0, config.steps + 1)
    return config.shift * even / (1 + (config.shift - 1) * even)


def timesteps(levels: Tensor) -> Tensor:
    """Return what the network is told of noise levels; they are not rounded."""
    return TIMESTEPS * levels


def weigh(passes: Passes[ContextT], config: SamplerConfig) -> list[tuple[float, ContextT]]:
    """Return the passes whose weight is not zero, with their weights.

    negative + prompt_scale (prompt - negative) + audio_scale (speech - prompt), sorted by pass: at
    equal scales the pass with the prompt alone has no weight, which saves a third of the work.
    """
    scale, audio_scale = config.prompt_scale, config.audio_scale
    weights = Passes(speech=audio_scale, prompt=scale - audio_scale, negative=1.0 - scale)
    return [(weight, context) for weight, context in zip(weights, passes, strict=True) if weight != 0.0]


def guide(
    network: Callable[[Tensor, Tensor, ContextT], Tensor], weighted: list[tuple[float, ContextT]]
) -> Velocity:
    """Return the velocity that is the weighted sum of the network's passes."""

    def velocity(latents: Tensor, timestep: Tensor) -> Tensor:
        total = torch.zeros((), device=latents.device)
        for weight, context in weighted:
            total = total + weight * network(latents, timestep, context).float()
        return total

    return velocity


def denoise(velocity: Velocity, noise: Tensor, levels: Tensor) -> Iterator[Tensor]:
    """Go from `noise` [B, C, F, H, W] down the noise levels, and yield the latents after every step."""
    latents = noise
    for level, following in pairwise(levels.tolist()):
        latents = euler_step(velocity, latents, level, following)
        yield latents


def euler_step(velocity: Velocity, latents: Tensor, level: float, following: float) -> Tensor:
    """Return latents [B, C, F, H, W] of one noise level at the following one."""
    timestep = torch.full(latents.shape[:1], TIMESTEPS * level, device=latents.device)
    return latents + velocity(latents, timestep) * (following - level)
