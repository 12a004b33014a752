"""One training step: what counts, and what a row's past is made of."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.lpm.conditions import Presence
from models.lpm.model import Lpm
from models.motion import INDEX, NUM_MOTION
from training.lpm_motion.config import TrainingConfig, tiny_run
from training.lpm_motion.crops import CropSampler
from training.lpm_motion.data import Scenes
from training.lpm_motion.heads import Heads
from training.lpm_motion.lips import lip_opening
from training.lpm_motion.step import (
    compute_head_losses,
    compute_losses,
    draw_chance,
    lip_loss,
    velocity_loss,
    withhold,
)

CONFIG = tiny_run()


def motion_with(**numbers: float) -> torch.Tensor:
    motion = torch.zeros(1, 1, NUM_MOTION)
    for name, value in numbers.items():
        motion[..., INDEX[name]] = value
    return motion


def losses_of(config: TrainingConfig, data: Scenes, progress: float) -> list[float]:
    torch.manual_seed(0)
    lpm, heads = Lpm(config.model), Heads(config.model)
    batch = CropSampler(data, config, seed=0).draw()
    chance = draw_chance(batch.motion, config, progress, torch.Generator().manual_seed(0))
    losses = compute_losses(lpm, heads, batch, chance, torch.ones(NUM_MOTION), config)
    return [float(value.detach()) for value in losses]


def test_every_loss_is_finite_early_and_late(data: Scenes) -> None:
    for progress in (0.2, 0.9):
        assert all(0 <= value < 1e4 for value in losses_of(CONFIG, data, progress))


def test_before_the_transformer_learns_only_the_heads_count(data: Scenes) -> None:
    lpm, heads = Lpm(CONFIG.model), Heads(CONFIG.model)
    losses = compute_head_losses(lpm, heads, CropSampler(data, CONFIG, seed=0).draw(), CONFIG)
    assert losses.mouth == losses.life == losses.lips == 0 < losses.speech_phone + losses.lull


def test_rows_get_their_own_past_only_in_the_later_part_of_a_run() -> None:
    always = replace(CONFIG, own_past_share=1.0)
    motion = torch.zeros(4, 10, NUM_MOTION)
    early, late = (draw_chance(motion, always, at, torch.Generator()) for at in (0.1, 0.9))
    assert not early.own_past.any()
    assert late.own_past.all()


def test_a_row_is_told_nothing_of_what_is_withheld_and_all_of_the_rest(data: Scenes) -> None:
    inputs = CropSampler(data, CONFIG, seed=0).draw().inputs
    unknown = torch.tensor([[True, False, False], [False, True, False], [False, False, True], [False] * 3])
    left = withhold(inputs, unknown)
    presence = (
        left.speak_presence == Presence.UNKNOWN,
        left.listen_presence == Presence.UNKNOWN,
        ~left.known,
    )
    assert torch.equal(torch.stack([told.all(dim=1) for told in presence], dim=1), unknown)
    assert torch.equal(torch.stack([told.any(dim=1) for told in presence], dim=1), unknown)


def test_a_jump_at_the_start_of_a_chunk_costs() -> None:
    frames = 2 * CONFIG.model.cache.chunk
    still = torch.zeros(1, frames, NUM_MOTION)
    shifted = still.clone()
    shifted[:, CONFIG.model.cache.chunk :] = 1
    change = torch.ones(NUM_MOTION)
    assert velocity_loss(shifted, still, change, CONFIG) > 0
    assert velocity_loss(still, still, change, CONFIG) == 0


def test_closed_lips_that_open_weigh_more_than_open_lips_that_close() -> None:
    shut, parted = motion_with(), motion_with(jawOpen=0.3)
    assert lip_loss(parted, shut, CONFIG) > 2 * lip_loss(shut, parted, CONFIG)


def test_a_jaw_that_opens_behind_closed_lips_parts_nothing() -> None:
    assert lip_opening(motion_with(jawOpen=1.0)).item() == pytest.approx(1.0)
    assert lip_opening(motion_with(jawOpen=0.3, mouthClose=0.3)).item() < 0.05
