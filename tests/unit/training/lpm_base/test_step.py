"""What a window of Base LPM's training teaches: one level, and nothing of what is given."""

from __future__ import annotations

from dataclasses import replace

import torch

from models.lpm.model import Lpm
from models.motion import CHUNK_FRAMES, NUM_MOTION
from training.lpm_base.config import tiny_base
from training.lpm_base.step import WindowDraw, compute_window_losses, draw_window
from training.lpm_motion.config import tiny_run
from training.lpm_motion.crops import CropSampler
from training.lpm_motion.data import Scenes

CONFIG = tiny_base(tiny_run().model)


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
    lpm, batch = Lpm(CONFIG.training.model), CropSampler(data, CONFIG.training, seed=0).draw()
    chance = draw_window(batch.motion, CONFIG, torch.Generator().manual_seed(0))
    everything = chance._replace(level=torch.zeros_like(chance.level), given_noise=chance.noise * 0)
    losses = compute_window_losses(lpm, batch, everything, torch.ones(NUM_MOTION), CONFIG)
    assert losses.mouth == losses.life == losses.velocity == 0
