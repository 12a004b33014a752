"""Denoising with DDIM where every frame has its own noise level."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

# Shapes: [..., F, C, H, W] of latents, F frames; [F] of timesteps.


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleConfig:
    """Noise grows over `steps` timesteps with square roots of beta that rise evenly.

    `levels` are the timesteps at which latents are denoised, each `stride` below the next. The lowest may be
    above 0: what is estimated there is taken for clean, which is approximate.
    """

    steps: int = 1000
    beta_start: float = 0.00085
    beta_end: float = 0.02
    levels: tuple[int, ...] = (0, 333, 666, 999)

    def __post_init__(self) -> None:
        distances = {after - before for before, after in pairwise(self.levels)}
        if len(distances) != 1 or min(distances) < 1 or self.levels[0] % min(distances):
            raise ValueError(f"levels must rise evenly from 0, or from one of them, got {self.levels}")
        if self.levels[-1] >= self.steps:
            raise ValueError(f"level {self.levels[-1]} of {self.steps} steps")

    @property
    def stride(self) -> int:
        return self.levels[1] - self.levels[0]


class Prediction(NamedTuple):
    """Latents one level lower, and the clean latents that they lead to."""

    lower: Tensor
    clean: Tensor


class DdimScheduler(nn.Module):
    """Deterministic DDIM (arXiv 2010.02502, equation 12 with sigma 0), always in float32.

    At timestep 999 the estimate is divided by 0.015, which a half would not survive.
    """

    alpha_bars: Tensor

    def __init__(self, config: ScheduleConfig) -> None:
        super().__init__()
        self.config = config
        roots = torch.linspace(config.beta_start**0.5, config.beta_end**0.5, config.steps, device="cpu")
        self.register_buffer("alpha_bars", (1 - roots.square()).cumprod(dim=0), persistent=False)

    def add_noise(self, clean: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Take clean latents [..., F, C, H, W] to `timesteps` [F] along `noise`."""
        alpha_bar = _per_frame(self.alpha_bars[timesteps])
        return alpha_bar.sqrt() * clean.float() + (1 - alpha_bar).sqrt() * noise.float()

    def step(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Prediction:
        """Take latents [..., F, C, H, W] at `timesteps` [F], and the noise told in them, one level lower.

        Below the lowest level latents are clean.
        """
        alpha_bar = _per_frame(self.alpha_bars[timesteps])
        below = timesteps - self.config.stride
        is_clean = below < self.config.levels[0]
        alpha_below = _per_frame(torch.where(is_clean, 1, self.alpha_bars[below.clamp(min=0)]))
        noise = noise.float()
        clean = (latents.float() - (1 - alpha_bar).sqrt() * noise) / alpha_bar.sqrt()
        return Prediction(alpha_below.sqrt() * clean + (1 - alpha_below).sqrt() * noise, clean)


def _per_frame(values: Tensor) -> Tensor:
    return values[:, None, None, None]
