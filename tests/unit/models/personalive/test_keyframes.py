"""Which motions are new."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.personalive.keyframes import Choice, KeyframeConfig, choose, see_nothing

CONFIG = KeyframeConfig(threshold=1.0, first_call=2, limit=2, remembered=2)


def judged(config: KeyframeConfig, motions: Tensor) -> list[Choice]:
    """Judge motions [rows, calls, width] of portraits whose own motion is zero."""
    seen, choices = see_nothing(config, len(motions), motions.shape[2], motions.device), []
    for motion in motions.unbind(1):
        choice, seen = choose(config, seen, motion, torch.zeros_like(motion))
        choices.append(choice)
    return choices


def of_one(*values: float) -> Tensor:
    return torch.tensor(values).view(1, -1, 1)


def chosen(choices: list[Choice]) -> list[bool]:
    return [bool(choice.chosen[0]) for choice in choices]


def test_nothing_is_chosen_before_the_first_call() -> None:
    assert chosen(judged(CONFIG, of_one(5, 5, 5, 5))) == [False, False, True, False]


def test_a_motion_as_far_as_the_threshold_is_not_new() -> None:
    assert chosen(judged(CONFIG, of_one(0, 0, 1, 1.5))) == [False, False, False, True]


def test_no_more_are_chosen_than_the_limit() -> None:
    assert chosen(judged(CONFIG, of_one(0, 0, 5, 10, 20, 40))) == [False, False, True, True, False, False]


def test_remembering_more_changes_no_choice() -> None:
    motions = 2 * torch.randn(64, 40, 2, generator=torch.Generator().manual_seed(0))
    endless = KeyframeConfig(threshold=1.0, first_call=2, limit=2, remembered=40)
    assert [choice.chosen.tolist() for choice in judged(CONFIG, motions)] == [
        choice.chosen.tolist() for choice in judged(endless, motions)
    ]


def test_too_few_remembered_motions_are_refused() -> None:
    with pytest.raises(ValueError, match="1 motions do not suffice for 2 keyframes"):
        KeyframeConfig(limit=2, remembered=1)
