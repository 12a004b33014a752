"""The discriminator learns to tell what was made, and is told from which noise level."""

from __future__ import annotations

import torch
from torch import Tensor

from training.personalive.config import AdversaryConfig, OptimiserConfig
from training.personalive.discriminator import Discriminator, deceiving_loss, judging_loss
from training.personalive.learner import Learner

CONFIG = AdversaryConfig(channels=(8, 16), time_width=16)


def discriminator() -> Discriminator:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return Discriminator(CONFIG)


def pictures(seed: int) -> Tensor:
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_a_judgement_depends_on_the_noise_level() -> None:
    judge = discriminator()
    low, high = (judge(pictures(0), torch.full((4,), level)) for level in (0, 999))
    assert low.shape == (4,)
    assert (low - high).abs().min() > 1e-4


def test_it_learns_to_tell_dark_pictures_from_light_ones() -> None:
    judge, timesteps = discriminator(), torch.zeros(4)
    learner = Learner(judge.parameters(), OptimiserConfig(learning_rate=1e-2))
    for seed in range(15):
        made, real = judge(pictures(seed) - 1, timesteps), judge(pictures(seed) + 1, timesteps)
        learner.accumulate(judging_loss(made, real))
        learner.descend()
    assert (judge(pictures(99) + 1, timesteps) > judge(pictures(99) - 1, timesteps) + 1).all()


def test_losses_are_small_for_who_wins() -> None:
    sure = torch.full((4,), 8.0)
    assert deceiving_loss(sure) < 1e-3
    assert judging_loss(-sure, sure) < 1e-3
    assert judging_loss(sure, -sure) > 15
    assert deceiving_loss(-sure) > 7
