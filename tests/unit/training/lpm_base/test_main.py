"""Base LPM learns to see whole windows and to go on from what it is given."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import torch

from models.lpm.model import Lpm
from models.lpm.weights import load_lpm
from models.motion import CHUNK_FRAMES, NUM_MOTION
from training.lpm.loop import CURVE, RUN, WEIGHTS
from training.lpm_base.config import tiny_base
from training.lpm_base.main import train
from training.lpm_base.step import WindowDraw, compute_window_losses, draw_window
from training.lpm_motion.config import tiny_run
from training.lpm_motion.crops import CropSampler
from training.lpm_motion.data import Scenes

CONFIG = tiny_base(tiny_run().model)


def a_model() -> Lpm:
    torch.manual_seed(0)
    return Lpm(CONFIG.training.model).eval().requires_grad_(requires_grad=False)


def train_steps(data: Scenes, output: Path, steps: int) -> None:
    clock = count()
    train(CONFIG, data, a_model(), output, duration_s=steps, clock=lambda: float(next(clock)))


def draw(seed: int = 0, *, given_share: float = 1.0) -> WindowDraw:
    motion = torch.zeros(6, 6 * CHUNK_FRAMES, NUM_MOTION)
    config = replace(CONFIG, given_share=given_share)
    return draw_window(motion, config, torch.Generator().manual_seed(seed))


def test_a_window_has_one_level_but_for_what_is_given() -> None:
    for row in draw().level:
        made = row[row > 0]
        assert (made == made[0]).all()
        assert 1 <= (row == 0).sum() <= 3
        assert (row.diff() >= 0).all()


def test_without_a_share_nothing_is_given() -> None:
    assert (draw(given_share=0.0).level > 0).all()


def test_what_is_given_teaches_nothing(data: Scenes) -> None:
    lpm, batch = a_model(), CropSampler(data, CONFIG.training, seed=0).draw()
    chance = draw_window(batch.motion, CONFIG, torch.Generator().manual_seed(0))
    everything = chance._replace(level=torch.zeros_like(chance.level), given_noise=chance.noise * 0)
    losses = compute_window_losses(lpm, batch, everything, torch.ones(NUM_MOTION), CONFIG)
    assert losses.mouth == losses.life == losses.velocity == 0


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
