"""Runs are consistent, and ablations change what the paper's table changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.personalive.config import published
from training.personalive.config import (
    RUNS,
    Ablation,
    AugmentationConfig,
    DropoutConfig,
    SlidingConfig,
    published_run,
    tiny_run,
)


@pytest.mark.parametrize("variant", sorted(RUNS))
def test_a_sliding_run_learns_from_forty_frames(variant: str) -> None:
    assert RUNS[variant]("sliding", None).frames == 40
    assert RUNS[variant]("sliding", Ablation(slides=False)).frames == 16
    assert RUNS[variant]("sliding", Ablation(chunk_frames=2)).frames == 20
    assert RUNS[variant]("pictures", None).frames == 1


def test_the_published_run_trains_the_published_model() -> None:
    assert published_run("few-steps").model == published()


def test_keyframes_are_given_up_by_their_ablation_alone() -> None:
    assert tiny_run("pictures", Ablation(keeps_keyframes=False)).model.keyframes.limit == 0
    assert tiny_run("pictures").model.keyframes.limit == 3


def test_a_model_must_be_what_the_ablation_makes_of_it() -> None:
    with pytest.raises(ValueError, match="the model is not what"):
        replace(tiny_run("pictures"), ablation=Ablation(chunk_frames=2))


def test_impossible_values_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 to below 1"):
        DropoutConfig(reference_tokens=1)
    with pytest.raises(ValueError, match=r"\(0, 7\) of 7"):
        SlidingConfig(learnt=(0, 7))
    with pytest.raises(ValueError, match=r"stretch 0\.5"):
        AugmentationConfig(stretch=0.5)
