"""One step of training Base LPM: flow matching over whole windows, some of which go on from another."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.lpm.model import Lpm
from training.lpm_base.config import BaseTraining
from training.lpm_motion.crops import Batch
from training.lpm_motion.step import draw_unknown, lip_loss, motion_weights, withhold

# Shapes: B rows, N frames, C chunk frames, M motion numbers.


class WindowDraw(NamedTuple):
    """The chance in one step: levels [B, N / C], 0 where a chunk is given; noise [B, N, M] of motion and of
    what is given; `unknown` [B, 3] are the rows that are told nothing of speak, listen and direction.
    """

    level: Tensor
    noise: Tensor
    given_noise: Tensor
    unknown: Tensor

    def to(self, device: str) -> WindowDraw:
        """Return the chance on another device; it is drawn on the CPU, so that it is the same everywhere."""
        return WindowDraw(*(tensor.to(device) for tensor in self))


class WindowLosses(NamedTuple):
    """Scalars; `total` is what is minimised."""

    total: Tensor
    mouth: Tensor
    life: Tensor
    velocity: Tensor
    lips: Tensor


def draw_window(motion: Tensor, config: BaseTraining, generator: torch.Generator) -> WindowDraw:
    """Draw noise: one level for a whole window, often the full one, and what is given of it."""
    training = config.training
    rows, frames, _ = motion.shape
    chunks = frames // training.model.cache.chunk
    level = torch.rand(rows, 1, generator=generator).clamp(min=0.02)
    full = torch.rand(rows, 1, generator=generator) < training.loss.full_noise_share
    fewest, most = config.given_chunks
    given = torch.randint(fewest, most + 1, (rows, 1), generator=generator)
    given = given * (torch.rand(rows, 1, generator=generator) < config.given_share)
    spread = torch.rand(rows, 1, 1, generator=generator) * training.history_noise
    return WindowDraw(
        level=torch.where(full, torch.ones(()), level) * (torch.arange(chunks) >= given),
        noise=torch.randn(motion.shape, generator=generator),
        given_noise=spread * torch.randn(motion.shape, generator=generator),
        unknown=draw_unknown(rows, training, generator),
    )


def compute_window_losses(
    lpm: Lpm, batch: Batch, chance: WindowDraw, change: Tensor, config: BaseTraining
) -> WindowLosses:
    """Return the weighted losses of one batch; `change` is `MotionStatistics.change`.

    As in `training.lpm_motion.step`, but every frame sees every other, and what is given teaches nothing.
    """
    training = config.training
    target = lpm.normalise(batch.motion)
    level = chance.level.repeat_interleave(training.model.cache.chunk, dim=1)[..., None]
    made = level > 0
    noisy = torch.where(made, (1 - level) * target + level * chance.noise, target + chance.given_noise)
    conditions = lpm.network.encode(withhold(batch.inputs, chance.unknown))
    memory = lpm.network.remember(conditions, target.shape[1])
    estimate = lpm.network.whole(noisy, chance.level, memory).float()
    shown = torch.where(made, estimate, noisy)
    clamped = level.clamp(min=training.loss.low_level_clamp)
    square = made * (estimate - target).square() * motion_weights(training).to(target.device) / clamped
    velocity = _velocity_loss(shown - target, lpm.mouth, change, config)
    lips = lip_loss(lpm.restore(torch.where(made, estimate, target)), batch.motion, training)
    total = square.mean() + velocity + training.loss.lip_weight * lips
    return WindowLosses(total, square[..., lpm.mouth].mean(), square[..., ~lpm.mouth].mean(), velocity, lips)


def _velocity_loss(error: Tensor, mouth: Tensor, change: Tensor, config: BaseTraining) -> Tensor:
    """Return the weighted mean square error of the frames' changes, also that from what is given."""
    loss = config.training.loss
    squares = error.diff(dim=1).square().mean((0, 1))
    life = (squares / change.square())[~mouth].mean()
    return loss.mouth_velocity_weight * squares[mouth].mean() + loss.life_velocity_weight * life
