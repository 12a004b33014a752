"""Noise levels are the sampler's, and errors count where they are to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.unit.training.fantasytalking.people import conditioner_of, draw_clips, run_of
from training.fantasytalking.clips import ClipSampler
from training.fantasytalking.lesson import attempt, draw_levels, grade


def test_noise_levels_are_even_before_their_shift() -> None:
    levels = draw_levels(2000, 5.0, torch.Generator().manual_seed(0))
    even = levels / (5 - 4 * levels)
    assert levels.min() >= 0
    assert levels.max() < 1
    assert float(levels.mean()) == pytest.approx(0.74, abs=0.02)
    assert float(even.mean()) == pytest.approx(0.5, abs=0.02)


def test_a_masked_clip_counts_by_its_share_of_lips() -> None:
    squared = torch.rand(2, 4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    lips = torch.zeros(2, 1, 3, 2, 2)
    lips[:, 0, 1, 0, 1], lips[:, 0, 2, 1, 1] = 1.0, 0.5
    errors = grade(squared, lips, torch.tensor([False, True]))
    mean = squared.mean(dim=1)
    at_lips = (mean[:, 1, 0, 1] + 0.5 * mean[:, 2, 1, 1]) / 1.5
    torch.testing.assert_close(errors.loss, (mean[0].mean() + at_lips[1]) / 2)
    torch.testing.assert_close(errors.whole, squared.mean())
    torch.testing.assert_close(errors.lips, at_lips.mean())


def test_a_clip_without_lips_is_not_masked() -> None:
    squared = torch.rand(1, 4, 3, 2, 2)
    errors = grade(squared, torch.zeros(1, 1, 3, 2, 2), torch.tensor([True]))
    torch.testing.assert_close(errors.loss, squared.mean())


@pytest.mark.parametrize(("share", "masked"), [(0.0, False), (1.0, True)])
def test_the_stage_by_frames_looks_at_the_lips_of_its_share_of_clips(
    tmp_path: Path, share: float, masked: bool
) -> None:
    config = replace(run_of("frame"), lips=share)
    conditioner = conditioner_of(config, draw_clips(tmp_path))
    sampler = ClipSampler(draw_clips(tmp_path), config.model.clip, batch=2, frames=9, seed=0)
    errors = attempt(conditioner, sampler.draw(), torch.Generator().manual_seed(0))
    torch.testing.assert_close(errors.loss, errors.lips if masked else errors.whole)
    assert not torch.isclose(errors.lips, errors.whole)


def test_half_precision_teaches_weights_in_single(tmp_path: Path) -> None:
    config = replace(run_of("frame"), precision="bfloat16")
    conditioner = conditioner_of(config, draw_clips(tmp_path))
    conditioner.network.backbone.to(torch.bfloat16)
    for block in conditioner.network.backbone.blocks:
        block.attn2.processor.speech.float().requires_grad_()
    sampler = ClipSampler(draw_clips(tmp_path), config.model.clip, batch=2, frames=9, seed=0)
    errors = attempt(conditioner, sampler.draw(), torch.Generator().manual_seed(0))
    errors.loss.backward()  # type: ignore[no-untyped-call]
    gradient = conditioner.network.backbone.blocks[0].attn2.processor.speech.v_proj.weight.grad
    assert gradient.dtype is torch.float32
    assert bool(gradient.any())
