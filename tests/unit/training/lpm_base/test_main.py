"""Base LPM learns from a causal model, and a run of it resumes."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import torch

from models.lpm.model import Lpm
from models.lpm.weights import load_lpm
from training.lpm.loop import CURVE, RUN, WEIGHTS
from training.lpm_base.config import tiny_base
from training.lpm_base.main import train
from training.lpm_motion.config import tiny_run
from training.lpm_motion.data import Scenes

CONFIG = tiny_base(tiny_run().model)


def a_model() -> Lpm:
    torch.manual_seed(0)
    return Lpm(CONFIG.training.model).eval().requires_grad_(requires_grad=False)


def train_steps(data: Scenes, output: Path, steps: int) -> None:
    clock = count()
    train(CONFIG, data, a_model(), output, duration_s=steps, clock=lambda: float(next(clock)))


def test_the_loss_falls_and_the_ears_stay(data: Scenes, tmp_path: Path) -> None:
    train_steps(data, tmp_path, 60)
    curve = [json.loads(line) for line in (tmp_path / CURVE).read_text().splitlines()]
    assert curve[-1]["mouth"] + curve[-1]["life"] < 0.7 * (curve[0]["mouth"] + curve[0]["life"])
    before = a_model().network.speak_encoder.state_dict()
    after = load_lpm(tmp_path / WEIGHTS).network.speak_encoder.state_dict()
    for name, tensor in after.items():
        torch.testing.assert_close(tensor, before[name], atol=1e-3, rtol=1e-3)


def test_a_run_resumes_where_it_stopped(data: Scenes, tmp_path: Path) -> None:
    train_steps(data, tmp_path, 10)
    train_steps(data, tmp_path, 20)
    steps = [json.loads(line)["step"] for line in (tmp_path / CURVE).read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert 20 <= json.loads((tmp_path / RUN).read_text())["steps"] <= 22
