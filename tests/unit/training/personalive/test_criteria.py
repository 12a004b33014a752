"""How attempts are graded, and when the adversary is heard and learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.unit.training.personalive.faces import SIZE
from training.personalive.config import AdversaryConfig, LossConfig, tiny_run
from training.personalive.criteria import PictureCriterion, squared_errors
from training.personalive.discriminator import Discriminator
from training.personalive.lessons import Attempt
from training.personalive.main import tiny_frozen

ADVERSARY = AdversaryConfig(channels=(8, 8), time_width=16, heard_after=1, learns_after=2)
CONFIG = replace(tiny_run("few-steps"), adversary=ADVERSARY)
REGIONS = torch.tensor([[[0, 0, 16, 16]] * 3] * 2)


def attempt() -> Attempt:
    generator = torch.Generator().manual_seed(0)
    clean, truth = (torch.randn(2, 4, 4, 4, generator=generator) for _ in range(2))
    pictures = torch.rand(2, 3, SIZE, SIZE, generator=generator) * 2 - 1
    return Attempt(clean.requires_grad_(), truth, torch.tensor([0, 999]), pictures, REGIONS)


def criterion() -> tuple[PictureCriterion, Discriminator]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    frozen, discriminator = tiny_frozen(CONFIG), Discriminator(ADVERSARY)
    return PictureCriterion(CONFIG, frozen.codec, frozen.perceptual, discriminator), discriminator


def test_an_error_outside_the_face_is_none_under_its_mask() -> None:
    truth = torch.zeros(2, 3, SIZE, SIZE)
    made = truth.clone()
    made[..., 16:] = 1
    errors = squared_errors(made, truth, REGIONS, CONFIG)
    assert errors["whole"] == 0.5
    assert errors["masked"] == 0
    swapped = squared_errors(1 - made, truth, REGIONS, CONFIG)
    assert swapped["masked"] == 1


def test_the_adversary_is_heard_from_its_step_on() -> None:
    judge, _ = criterion()
    assert set(judge.grade(attempt(), 0)) == {"whole", "masked", "perceptual"}
    assert set(judge.grade(attempt(), 1)) == {"whole", "masked", "perceptual", "adversarial"}


def test_the_adversary_learns_from_its_step_on() -> None:
    judge, discriminator = criterion()
    before = discriminator.enter.weight.detach().clone()
    for steps, learns in ((1, False), (2, True)):
        torch.stack(list(judge.grade(attempt(), steps).values())).sum().backward()  # type: ignore[no-untyped-call]
        assert bool(judge.follow(steps)) == learns
        assert torch.equal(discriminator.enter.weight, before) != learns


def test_every_error_reaches_the_latents() -> None:
    judge, _ = criterion()
    for name in ("whole", "masked", "perceptual", "adversarial"):
        given = attempt()
        judge.grade(given, 1)[name].backward()  # type: ignore[no-untyped-call]
        assert given.clean.grad is not None
        assert given.clean.grad.abs().max() > 0


def test_errors_are_weighed_as_configured() -> None:
    truth, made = torch.zeros(2, 3, SIZE, SIZE), torch.ones(2, 3, SIZE, SIZE)
    config = replace(CONFIG, loss=LossConfig(whole=3, masked=0.5))
    errors = squared_errors(made, truth, REGIONS, config)
    assert float(errors["whole"]) == pytest.approx(3)
    assert float(errors["masked"]) == pytest.approx(0.5)
