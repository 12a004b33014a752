"""Distribution matching: where a critic and the teacher disagree about the student's motion, it moves."""

from __future__ import annotations

import torch
from torch import Tensor

from models.lpm.conditions import Conditions
from models.lpm.model import Lpm
from training.lpm_online.config import MatchingConfig
from training.lpm_online.teachers import Teacher

# Shapes: S rows, N frames, C chunk frames, M motion numbers.


def matching_loss(
    teacher: Teacher,
    critic: Lpm,
    made: Tensor,
    conditions: Conditions,
    config: MatchingConfig,
    generator: torch.Generator,
) -> Tensor:
    """Return the loss whose gradient moves the student's motion `made` [S, N, M] towards the teacher's.

    DMD (arXiv 2311.18828): the difference of the critic's and the teacher's clean estimates of noised motion,
    in units of the teacher's mean error, as the square distance to a target without a gradient.
    """
    still = made.detach()
    with torch.no_grad():
        noisy, level = _noised(still, conditions, config, generator)
        real = teacher.score(still, noisy, level, conditions)
        fake = teacher.score_with(critic, still, noisy, level, conditions)
        life = ~teacher.lpm.mouth
        usual = (still - real)[..., life].abs().mean(dim=(1, 2), keepdim=True)
        direction = torch.nan_to_num((fake - real) / usual)[..., life]
    target = still[..., life] - direction
    return 0.5 * (made[..., life] - target).square().mean()


def critic_loss(
    teacher: Teacher,
    critic: Lpm,
    made: Tensor,
    conditions: Conditions,
    config: MatchingConfig,
    generator: torch.Generator,
) -> Tensor:
    """Return the flow-matching loss of the critic on the student's motion `made` [S, N, M]."""
    noisy, level = _noised(made, conditions, config, generator)
    estimate = teacher.score_with(critic, made, noisy, level, conditions)
    weight = level[:, :1, None].clamp(min=0.5)
    return ((estimate - made).square() / weight).mean()


def _noised(
    clean: Tensor, conditions: Conditions, config: MatchingConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return noised motion [S, N, M] and its levels [S, N / C]; each row has one level."""
    lowest, highest = config.levels
    level = lowest + (highest - lowest) * torch.rand(len(clean), 1, generator=generator)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    level = level.to(clean)
    noisy = (1 - level[..., None]) * clean + level[..., None] * noise
    return noisy, level.expand(-1, conditions.direction.seen.shape[1])
