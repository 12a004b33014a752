"""Flow matching: clips under noise, the velocity that leads out of it, and where its error counts."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.fantasytalking.sampler import TIMESTEPS
from training.fantasytalking.clips import Clip
from training.fantasytalking.conditions import Conditioner

# Shapes: B clips, C latent channels, F latent frames, h w latent size.


class Errors(NamedTuple):
    """Mean squared errors of the velocity: what is learnt from, everywhere, and around the lips."""

    loss: Tensor
    whole: Tensor
    lips: Tensor


def attempt(conditioner: Conditioner, clips: list[Clip], generator: torch.Generator) -> Errors:
    """Attempt clips at noise levels that are drawn, and grade the velocity (paper, section 3)."""
    told = conditioner.tell(clips, generator)
    truth = conditioner.truth(clips)
    levels = draw_levels(len(clips), conditioner.config.model.sampler.shift, generator).to(truth)
    noise = torch.randn(truth.shape, generator=generator).to(truth)
    noisy = torch.lerp(truth, noise, levels[:, None, None, None, None])
    latents = torch.cat((noisy, told.given.to(truth)), dim=1)
    # What learns is in single precision, the rest of the network may not be.
    with torch.autocast(truth.device.type, torch.bfloat16, enabled=conditioner.config.halves):
        velocity = conditioner.network(latents, TIMESTEPS * levels, told.context)
    squared = (velocity.float() - (noise - truth)).square()
    share = conditioner.config.lips if conditioner.config.stage == "frame" else 0.0
    masked = (torch.rand(len(clips), generator=generator) < share).to(truth.device)
    return grade(squared, conditioner.lips(clips), masked)


def draw_levels(count: int, shift: float, generator: torch.Generator) -> Tensor:
    """Draw noise levels [B] as the sampler spaces them: evenly, then shifted towards noise."""
    even = torch.rand(count, generator=generator)
    return shift * even / (1 + (shift - 1) * even)


def grade(squared: Tensor, lips: Tensor, masked: Tensor) -> Errors:
    """Return the mean of squared errors [B, C, F, h, w], for clips that are `masked` [B] of the lips alone.

    Under the mask `lips` [B, 1, F, h, w] errors are averaged by their share of lips, so that both kinds of
    clips count alike; the paper does not say how it averages. A clip without lips is not masked.
    """
    whole = squared.mean(dim=(1, 2, 3, 4))
    area = lips.sum(dim=(1, 2, 3, 4))
    under = (squared.mean(dim=1, keepdim=True) * lips).sum(dim=(1, 2, 3, 4))
    at_lips = torch.where(area > 0, under / area.clamp(min=torch.finfo(area.dtype).tiny), whole)
    return Errors(torch.where(masked, at_lips, whole).mean(), whole.mean(), at_lips.mean())
