"""The window that slides over a session's frames, four at a time: what is denoised, and by what."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.personalive.scheduler import DdimScheduler

# Shapes: S slots, F frames of a chunk, L noise levels; a window has L * F frames, the oldest and cleanest
# first, of which all but the newest chunk wait from one step to the next.


class Frames(NamedTuple):
    """Frames in their order: latents [S, n, 4, H, W], poses [S, n, ...] and motions [S, n, ...]."""

    latents: Tensor
    poses: Tensor
    motions: Tensor


def level_timesteps(levels: tuple[int, ...], frames: int, device: torch.device) -> Tensor:
    """Return the timestep of every frame of a window, [L * F]."""
    return torch.tensor(levels, device=device).repeat_interleave(frames)


def noised(scheduler: DdimScheduler, portrait: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """Return latents [S, n, 4, H, W]: each the portrait's [S, 4, H, W] at its timestep [n], along `noise`."""
    return scheduler.add_noise(portrait.unsqueeze(1), noise, timesteps)


def append(waiting: Frames, newest: Frames) -> Frames:
    """Return the whole window."""
    return Frames(*(torch.cat(pair, dim=1) for pair in zip(waiting, newest, strict=True)))


def take(window: Frames, frames: int) -> tuple[Frames, Frames]:
    """Return the oldest `frames`, which leave, and the others, which wait."""
    return Frames(*(part[:, :frames] for part in window)), Frames(*(part[:, frames:] for part in window))
