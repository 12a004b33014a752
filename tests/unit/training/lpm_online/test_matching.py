"""Matching moves the student from where the critic is towards where the teacher is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from models.lpm.conditions import Conditions
from models.lpm.model import Lpm, inputs_of
from models.motion import CHUNK_FRAMES, NUM_MOTION
from tests.unit.models.lpm.drawing import draw_chunk
from training.lpm_motion.config import tiny_run
from training.lpm_online.config import MatchingConfig
from training.lpm_online.matching import critic_loss, matching_loss


@dataclass
class Constant:
    """A teacher that estimates one number whatever it sees; so does every network that is asked like it."""

    lpm: Lpm
    value: float
    critic: float

    def trajectory(self, conditions: Conditions, noise: Tensor) -> Tensor:
        return noise

    def score(self, clean: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions) -> Tensor:
        return torch.full_like(noisy, self.value)

    def score_with(
        self, network: Lpm, clean: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions
    ) -> Tensor:
        return torch.full_like(noisy, self.critic)


@pytest.fixture(scope="module")
def lpm() -> Lpm:
    return Lpm(tiny_run().model).requires_grad_(requires_grad=False)


@pytest.fixture(scope="module")
def conditions(lpm: Lpm) -> Conditions:
    return lpm.network.encode(inputs_of(draw_chunk(lpm.config, 2)))


def gradient(lpm: Lpm, conditions: Conditions, *, teacher: float, critic: float) -> Tensor:
    made = torch.zeros(2, CHUNK_FRAMES, NUM_MOTION, requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    loss = matching_loss(Constant(lpm, teacher, critic), lpm, made, conditions, MatchingConfig(), generator)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert made.grad is not None
    return made.grad


def test_life_moves_from_the_critic_to_the_teacher(lpm: Lpm, conditions: Conditions) -> None:
    moved = gradient(lpm, conditions, teacher=1.0, critic=-1.0)
    assert (moved[..., ~lpm.mouth] < 0).all()
    assert (gradient(lpm, conditions, teacher=-1.0, critic=1.0)[..., ~lpm.mouth] > 0).all()


def test_nothing_moves_where_critic_and_teacher_agree(lpm: Lpm, conditions: Conditions) -> None:
    assert not gradient(lpm, conditions, teacher=0.7, critic=0.7).any()


def test_the_mouth_is_not_matched(lpm: Lpm, conditions: Conditions) -> None:
    assert not gradient(lpm, conditions, teacher=1.0, critic=-1.0)[..., lpm.mouth].any()


def test_a_critic_that_knows_the_motion_has_nothing_to_learn(lpm: Lpm, conditions: Conditions) -> None:
    made, config = torch.full((2, CHUNK_FRAMES, NUM_MOTION), 0.3), MatchingConfig()
    knowing, ignorant = (
        critic_loss(Constant(lpm, 0.0, value), lpm, made, conditions, config, torch.Generator())
        for value in (0.3, 0.0)
    )
    assert knowing == 0 < ignorant
