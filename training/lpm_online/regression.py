"""What the student is told outright: the motion that the teacher made, or the mouth that was taught."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm
from training.lpm_motion.config import TrainingConfig
from training.lpm_motion.step import lip_loss, motion_weights, velocity_loss
from training.lpm_online.trajectories import Paths

# Shapes: S rows, N frames, C chunk frames, M motion numbers.


class Errors(NamedTuple):
    """Scalars: of all numbers, of their changes, and of the lips' opening."""

    square: Tensor
    velocity: Tensor
    lips: Tensor

    def total(self, config: TrainingConfig) -> Tensor:
        """Return what is minimised."""
        return self.square + self.velocity + config.loss.lip_weight * self.lips


def errors(
    lpm: Lpm, estimate: Tensor, target: Tensor, past_error: Tensor, change: Tensor, config: TrainingConfig
) -> Errors:
    """Compare motion [S, N, M], both standardised. The first frame of a chunk follows a past that is off by
    `past_error`; `change` [M] is what numbers usually change between frames.
    """
    error = estimate.float() - target
    return Errors(
        square=(error.square() * motion_weights(config).to(error)).mean(),
        velocity=velocity_loss(error, past_error, change, config),
        lips=lip_loss(lpm.restore(estimate.float()), lpm.restore(target), config),
    )


def mouth_loss(lpm: Lpm, estimate: Tensor, taught: Tensor, config: TrainingConfig) -> Tensor:
    """Return the loss of the mouth alone against the taught `motion` [S, N, M] as it is.

    On a stream of the student's own nothing else is determined. A mouth that is settled elsewhere is told
    nothing.
    """
    error = (estimate.float() - lpm.normalise(taught))[..., lpm.mouth]
    lips = lip_loss(lpm.restore(estimate.float()), taught, config)
    return config.loss.mouth_weight * error.square().mean() + config.loss.lip_weight * lips


def usual_change(motion: Tensor, lpm: Lpm, config: TrainingConfig) -> Tensor:
    """Return the root mean square change of each number [M] between frames, in standard deviations."""
    moved = lpm.normalise(motion).diff(dim=1).square().mean((0, 1)).sqrt()
    return moved.clamp(min=config.least_change)


def path_losses(
    online: OnlineLpm, paths: Paths, change: Tensor, config: TrainingConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the losses of the backbone and of the refiner on stored paths (CausVid's ODE regression).

    The backbone is told the end of a path from two of its points: one is also the past of the other, and its
    own, as in a stream. The refiner goes on from where the backbone hands over, after the clean end.
    """
    schedule, clean = online.schedule, paths.clean
    rows, chunks = clean.shape[0], paths.inputs.known.shape[1]
    last = len(schedule.levels) - 1
    index = int(torch.randint(max(last, 1), (), generator=generator))
    level = clean.new_full((rows, chunks), 1.0)
    backbone, refiner = online.backbone, online.refiner
    estimates = backbone.network.copies(
        paths.points[:, last],
        paths.points[:, index],
        schedule.history * level,
        schedule.levels[index] * level,
        backbone.network.encode(paths.inputs),
    )
    drafted = [
        errors(backbone, each, clean, each.float() - clean, change, config).total(config)
        for each in estimates
    ]
    spread = config.history_noise * torch.rand(rows, 1, 1, generator=generator)
    slip = (spread * torch.randn(clean.shape, generator=generator)).to(clean)
    refined = refiner.network.sequence(
        clean + slip,
        paths.points[:, -2],
        schedule.handover * level,
        refiner.network.encode(paths.inputs),
    )
    finished = errors(refiner, refined, clean, slip, change, config).total(config)
    return 0.5 * (drafted[0] + drafted[1]), finished
