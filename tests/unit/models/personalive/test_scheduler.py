"""Noise levels, frame by frame."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.personalive.scheduler import DdimScheduler, ScheduleConfig

LEVELS = torch.tensor(ScheduleConfig().levels)


def draw(seed: int) -> Tensor:
    return torch.randn(2, 4, 4, 3, 3, generator=torch.Generator().manual_seed(seed))


def test_the_true_noise_leads_to_the_same_latents_one_level_lower() -> None:
    scheduler, clean, noise = DdimScheduler(ScheduleConfig()), draw(0), draw(1)
    told = scheduler.step(scheduler.add_noise(clean, noise, LEVELS), noise, LEVELS)
    lower = scheduler.add_noise(clean[:, 1:], noise[:, 1:], LEVELS[:-1])
    torch.testing.assert_close(told.lower[:, 1:], lower, atol=1e-4, rtol=0)
    torch.testing.assert_close(told.clean, clean, atol=1e-3, rtol=0)


def test_the_lowest_level_ends_in_clean_latents() -> None:
    told = DdimScheduler(ScheduleConfig()).step(draw(0), draw(1), LEVELS)
    assert torch.equal(told.lower[:, 0], told.clean[:, 0])


def test_the_levels_are_those_of_the_paper() -> None:
    alpha_bars = DdimScheduler(ScheduleConfig()).alpha_bars[LEVELS]
    assert alpha_bars.tolist() == pytest.approx([0.999150, 0.446817, 0.037641, 0.000230], abs=1e-6)


def test_halves_are_denoised_in_full_precision() -> None:
    told = DdimScheduler(ScheduleConfig()).step(draw(0).bfloat16(), draw(1).bfloat16(), LEVELS)
    assert told.lower.dtype == torch.float32


def test_levels_that_rise_unevenly_are_refused() -> None:
    with pytest.raises(ValueError, match="levels must rise evenly from 0"):
        ScheduleConfig(levels=(0, 300, 666, 999))


def test_the_lowest_level_above_zero_ends_in_clean_latents_as_well() -> None:
    levels = LEVELS[1:]
    early = DdimScheduler(ScheduleConfig(levels=tuple(levels.tolist())))
    latents, noise = draw(0)[:, 1:], draw(1)[:, 1:]
    told = early.step(latents, noise, levels)
    whole = DdimScheduler(ScheduleConfig()).step(latents, noise, levels)
    assert torch.equal(told.lower[:, 0], told.clean[:, 0])
    assert torch.equal(told.lower[:, 1:], whole.lower[:, 1:])
    assert torch.equal(told.clean, whole.clean)
