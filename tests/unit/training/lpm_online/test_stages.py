"""The stages of distillation, each on the output of the one before, in seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import nn

from models.lpm.model import Lpm
from models.lpm.weights import load_online, save_lpm
from training.lpm.loop import CURVE, WEIGHTS, Job
from training.lpm_motion.config import tiny_run
from training.lpm_motion.data import Scenes
from training.lpm_online.config import Distillation, tiny_distillation
from training.lpm_online.main import build, execute
from training.lpm_online.trajectories import PathStore

CONFIG = tiny_distillation(tiny_run().model)
CAUSAL = replace(CONFIG, teacher="causal", schedule=replace(CONFIG.schedule, levels=(1.0,), handover=0.4))


@pytest.fixture
def causal() -> Lpm:
    torch.manual_seed(0)
    lpm = Lpm(CONFIG.training.model).eval().requires_grad_(requires_grad=False)
    nn.init.normal_(lpm.network.head.weight, std=0.3)
    lpm.mean.fill_(0.5)
    lpm.std.fill_(0.3)
    return lpm


@pytest.fixture
def start(causal: Lpm, tmp_path: Path) -> Path:
    save_lpm(causal, tmp_path / "causal")
    return tmp_path / "causal"


def take_steps(job: Job, config: Distillation, output: Path, steps: int) -> Path:
    clock = count()
    execute(job, config, output, steps, clock=lambda: float(next(clock)))
    return output


def store_paths(config: Distillation, causal: Lpm, data: Scenes, folder: Path, batches: int = 3) -> PathStore:
    store = PathStore(folder=folder)
    take_steps(build("trajectories", config, teacher=causal, data=data, paths=store), config, folder, batches)
    return store


def regress(causal: Lpm, start: Path, data: Scenes, folder: Path, steps: int = 2) -> tuple[Path, PathStore]:
    store = store_paths(CONFIG, causal, data, folder / "paths")
    job = build("ode", CONFIG, start=start, paths=store)
    return take_steps(job, CONFIG, folder / "ode", steps), store


def changed(before: Path, after: Path) -> set[str]:
    """Which networks of a student another stage has moved."""
    one, other = (dict(load_online(folder / WEIGHTS).named_parameters()) for folder in (before, after))
    return {name.split(".")[0] for name in one if not torch.equal(one[name], other[name])}


@pytest.mark.parametrize("config", [CONFIG, CAUSAL], ids=["base", "causal"])
def test_paths_lead_from_noise_to_motion(
    config: Distillation, causal: Lpm, data: Scenes, tmp_path: Path
) -> None:
    store = store_paths(config, causal, data, tmp_path)
    paths = store.read(0)
    points = len(config.schedule.levels) + 2
    assert paths.points.shape == (3, points, 25, 58)
    assert paths.points[:, 0, :, ~causal.mouth].std() == pytest.approx(1.15, abs=0.1)
    assert not torch.equal(store.read(0).clean, store.read(1).clean)


def test_levels_that_the_teacher_does_not_pass_are_refused(causal: Lpm, data: Scenes, tmp_path: Path) -> None:
    strange = replace(CONFIG, schedule=replace(CONFIG.schedule, handover=0.35))
    with pytest.raises(ValueError, match=r"\[0.35\] are not among the teacher's"):
        store_paths(strange, causal, data, tmp_path)


def test_regression_without_paths_is_refused(start: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no paths"):
        build("ode", CONFIG, start=start, paths=PathStore(folder=tmp_path / "none"))


def test_regression_lowers_the_error_of_both_networks(
    causal: Lpm, start: Path, data: Scenes, tmp_path: Path
) -> None:
    output, _ = regress(causal, start, data, tmp_path, steps=30)
    curve = [json.loads(line) for line in (output / CURVE).read_text().splitlines()]
    for network in ("backbone", "refiner"):
        assert curve[-1][network] < 0.9 * curve[0][network]


@pytest.mark.parametrize(
    ("stage", "moved"), [("offpolicy", "backbone"), ("onpolicy", "backbone"), ("refiner", "refiner")]
)
def test_matching_moves_one_network_and_leaves_the_other(
    stage: str, moved: str, causal: Lpm, start: Path, data: Scenes, tmp_path: Path
) -> None:
    before, store = regress(causal, start, data, tmp_path)
    job = build(stage, CONFIG, start=before, teacher=causal, data=data, paths=store)
    after = take_steps(job, CONFIG, tmp_path / stage, 6)
    assert changed(before, after) == {moved}
    last = json.loads((after / CURVE).read_text().splitlines()[-1])
    assert last["critic"] > 0
    assert last["regression"] > 0


def test_a_stage_resumes_where_it_stopped(causal: Lpm, start: Path, data: Scenes, tmp_path: Path) -> None:
    before, store = regress(causal, start, data, tmp_path)
    for steps in (3, 6):
        job = build("onpolicy", CONFIG, start=before, teacher=causal, data=data, paths=store)
        take_steps(job, CONFIG, tmp_path / "onpolicy", steps)
    steps_noted = [
        json.loads(line)["step"] for line in (tmp_path / "onpolicy" / CURVE).read_text().splitlines()
    ]
    assert steps_noted == sorted(set(steps_noted))
    assert job.steps >= 6


def test_a_teacher_that_standardises_differently_is_refused(
    causal: Lpm, start: Path, data: Scenes, tmp_path: Path
) -> None:
    before, store = regress(causal, start, data, tmp_path)
    causal.mean.fill_(0.1)
    with pytest.raises(ValueError, match="standardise motion differently"):
        build("refiner", CONFIG, start=before, teacher=causal, data=data, paths=store)
