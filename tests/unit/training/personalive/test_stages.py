"""The stages of training, each on the output of the one before, and the stream that comes of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import torch

from models.personalive.model import PersonaLive
from models.personalive.weights import load
from tests.unit.training.personalive.faces import draw_clip, error_of, stage_run, take_steps
from training.lpm.loop import CHECKPOINT, CURVE, RUN, WEIGHTS
from training.personalive.config import Ablation, Stage
from training.personalive.main import tiny_frozen
from training.personalive.starting import start_networks
from training.personalive.streaming import measure, stream

STEPS: Final[dict[Stage, int]] = {"pictures": 14, "few-steps": 10, "sliding": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The outputs of the stages, and how large errors were before and after each."""

    folders: dict[Stage, Path]
    errors: dict[Stage, tuple[float, float]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder, start = tmp_path_factory.mktemp("personalive"), None
    folders: dict[Stage, Path] = {}
    errors: dict[Stage, tuple[float, float]] = {}
    for stage, steps in STEPS.items():
        config, job = stage_run(stage, start)
        before = error_of(config, job.networks)
        folders[stage] = take_steps(config, job, folder / stage, steps)
        errors[stage] = before, error_of(config, job.networks)
        start = folders[stage] / WEIGHTS
    return Trained(folders=folders, errors=errors)


@pytest.mark.parametrize(("stage", "share"), [("pictures", 0.8), ("few-steps", 0.95), ("sliding", 0.99)])
def test_errors_fall(trained: Trained, stage: Stage, share: float) -> None:
    before, after = trained.errors[stage]
    assert after < share * before


@pytest.mark.parametrize("stage", ["few-steps", "sliding"])
def test_every_error_and_the_adversarys_are_noted(trained: Trained, stage: Stage) -> None:
    lines = [json.loads(line) for line in (trained.folders[stage] / CURVE).read_text().splitlines()]
    assert len(lines) == STEPS[stage]
    for line in lines:
        assert {"whole", "masked", "perceptual", "adversarial", "judging"} <= line.keys()


def test_a_run_tells_what_it_was_made_of(trained: Trained) -> None:
    run = json.loads((trained.folders["sliding"] / RUN).read_text())
    assert run["config"]["ablation"]["slides"] is True
    assert run["clips"] == 3


def test_sliding_moves_temporal_modules_alone(trained: Trained) -> None:
    _, before = load(trained.folders["few-steps"] / WEIGHTS)
    _, after = load(trained.folders["sliding"] / WEIGHTS)
    moved = set()
    for name, network in before.named().items():
        learnt = after.named()[name].state_dict()
        moved |= {key for key, value in network.state_dict().items() if not torch.equal(value, learnt[key])}
    assert moved
    assert all(".temporal." in name for name in moved)


def test_a_run_goes_on_from_its_checkpoint(trained: Trained, tmp_path: Path) -> None:
    start = trained.folders["pictures"] / WEIGHTS
    config, job = stage_run("few-steps", start)
    take_steps(config, job, tmp_path, 1)
    assert (tmp_path / CHECKPOINT).exists()
    _, resumed = stage_run("few-steps", start)
    take_steps(config, resumed, tmp_path, 2)
    assert resumed.steps == 2
    _, there = load(tmp_path / WEIGHTS)
    one, other = (each.denoising_unet.conv_out.weight for each in (there, resumed.networks))
    assert torch.equal(one, other)
    assert not torch.equal(one, job.networks.denoising_unet.conv_out.weight)


@pytest.mark.parametrize(
    "ablation",
    [
        Ablation(),
        Ablation(interpolates_start=False, keeps_keyframes=False),
        Ablation(chunk_attention=True, chunk_frames=2),
    ],
)
def test_the_engine_streams_what_was_trained(trained: Trained, ablation: Ablation) -> None:
    config, _ = stage_run("sliding")
    config = replace(config, ablation=ablation, model=ablation.model(config.model))
    frozen = tiny_frozen(config)
    networks = start_networks(config, trained.folders["sliding"] / WEIGHTS)
    model = PersonaLive(config.model, networks, frozen.codec).eval()
    clip = draw_clip(9, seed=0)
    made = stream(model, clip, frozen, ablation, seed=0)
    assert made.shape == (8, 3, 32, 32)
    figures = measure(made, clip, frozen)
    assert 0 < figures.l1 < 1
    assert np.isfinite(figures.perceptual)
