"""What learns, how fast, and how a run goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from training.lpm.learner import Learner, learning_rate
from training.lpm_motion.config import tiny_run

CONFIG = replace(tiny_run(), warmup_steps=10, learning_rate=0.1)


def a_learner() -> Learner[nn.Sequential]:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    module[0].requires_grad_(requires_grad=False)
    return Learner(module, CONFIG)


def descend(learner: Learner[nn.Sequential], steps: int) -> None:
    for _ in range(steps):
        learner.descend(learner.module(torch.ones(2, 3)).square().mean(), progress=0.2)


def test_the_rate_warms_up_and_then_falls() -> None:
    assert learning_rate(CONFIG, 0, 0.0) == pytest.approx(0.01)
    assert learning_rate(CONFIG, 10, 0.0) == pytest.approx(0.1)
    assert learning_rate(CONFIG, 10, 0.5) == pytest.approx(0.05)
    assert learning_rate(CONFIG, 10, 2.0) == pytest.approx(0.1 * CONFIG.final_rate_share)


def test_what_is_frozen_stays_and_the_rest_learns() -> None:
    learner, before = a_learner(), a_learner().module.state_dict()
    descend(learner, 3)
    after = learner.module.state_dict()
    assert torch.equal(after["0.weight"], before["0.weight"])
    assert not torch.equal(after["1.weight"], before["1.weight"])


def test_the_average_lies_between_the_beginning_and_the_weights() -> None:
    learner, before = a_learner(), a_learner().module.state_dict()["1.bias"]
    descend(learner, 5)
    mean, value = learner.average.state_dict()["1.bias"], learner.module.state_dict()["1.bias"]
    assert min(before, value) < mean < max(before, value)


def test_a_learner_that_is_restored_learns_the_same() -> None:
    straight, stopped, resumed = a_learner(), a_learner(), a_learner()
    descend(straight, 5)
    descend(stopped, 3)
    resumed.restore(stopped.state())
    descend(resumed, 2)
    assert torch.equal(resumed.module.state_dict()["1.weight"], straight.module.state_dict()["1.weight"])
    assert torch.equal(resumed.average.state_dict()["1.weight"], straight.average.state_dict()["1.weight"])
