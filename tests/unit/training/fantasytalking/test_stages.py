"""A film of the rig becomes clips, and the stages learn from them one after the other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import get_args

import pytest
import torch

from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.performance import Nature, Prompt, perform
from models.fantasytalking.weights import load_network
from tests.unit.training.fantasytalking.people import error_of, film, run_of, stage_run, take_steps
from training.fantasytalking.clips import Entry, find_clips
from training.fantasytalking.config import Stage
from training.fantasytalking.footage import FootageConfig
from training.fantasytalking.prepare import prepare
from training.fantasytalking.starting import start_network, taught
from training.fantasytalking.tiny import tiny_frozen
from training.lpm.loop import CHECKPOINT, CURVE, WEIGHTS

STEPS: dict[Stage, int] = {"base": 40, "clip": 12, "frame": 12, "identity": 12, "intensity": 12}


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """A clip of the example portrait that says the beginning of the example speech."""
    folder = tmp_path_factory.mktemp("clips")
    film(folder / "film.mkv", seconds=1.2)
    config = run_of("clip")
    prepare(folder / "film.mkv", folder, FootageConfig(clip=config.model.clip, shortest=config.frames))
    return find_clips(folder)


@pytest.fixture(scope="module")
def outputs(entries: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> dict[Stage, Path]:
    """What every stage left, each having begun with the weights of the one before."""
    folder = tmp_path_factory.mktemp("stages")
    made: dict[Stage, Path] = {}
    start = None
    for stage, steps in STEPS.items():
        config = run_of(stage)
        made[stage] = take_steps(config, stage_run(config, entries, start), folder / stage, steps)
        start = made[stage] / WEIGHTS
    return made


def _before(stage: Stage, outputs: dict[Stage, Path]) -> FantasyTalking:
    stages = list(STEPS)
    index = stages.index(stage)
    return start_network(run_of(stage), outputs[stages[index - 1]] / WEIGHTS if index else None)


def test_a_film_becomes_a_clip_at_the_models_rate(entries: list[Entry]) -> None:
    (entry,) = entries
    assert entry.size == (32, 32)
    assert 26 <= entry.frames <= 28
    clip = entry.read()
    assert abs(len(clip.sound) / 16_000 - entry.frames / 23) < 0.06


@pytest.mark.parametrize("stage", get_args(Stage))
def test_errors_of_every_stage_fall(stage: Stage, outputs: dict[Stage, Path], entries: list[Entry]) -> None:
    config = run_of(stage)
    before = error_of(config, _before(stage, outputs), entries)
    after = error_of(config, load_network(outputs[stage] / WEIGHTS), entries)
    assert float(after.loss) < (0.5 if stage == "base" else 0.995) * float(before.loss)


@pytest.mark.parametrize("stage", get_args(Stage))
def test_a_stage_changes_what_it_teaches_and_nothing_else(stage: Stage, outputs: dict[Stage, Path]) -> None:
    begun = _before(stage, outputs)
    learns = {id(parameter) for parameter in taught(begun, stage)}
    trained = load_network(outputs[stage] / WEIGHTS).state_dict()
    changed = {
        name for name, parameter in begun.named_parameters() if not torch.equal(parameter, trained[name])
    }
    expected = {name for name, parameter in begun.named_parameters() if id(parameter) in learns}
    assert changed <= expected
    assert len(changed) > 0.6 * len(expected)


def test_what_was_trained_performs(outputs: dict[Stage, Path]) -> None:
    config = run_of("intensity")
    network, frozen = load_network(outputs["intensity"] / WEIGHTS), tiny_frozen(config)
    prompt = Prompt(text=frozen.read_text(["a person talks"]), negative=frozen.read_text([""]))
    portrait = torch.randint(0, 256, (40, 32, 3), dtype=torch.uint8).numpy()
    half = torch.tensor([0.5])
    pictures = perform(
        network,
        frozen.encoders,
        portrait,
        torch.randn(5000),
        prompt,
        torch.Generator().manual_seed(1111),
        Nature(face=torch.ones(1, 8), intensity=(half, half)),
    )
    video = torch.cat(list(pictures), dim=2)
    assert video.shape == (1, 3, 9, 32, 32)
    assert bool(video.isfinite().all())


def test_a_run_goes_on_from_its_checkpoint(
    outputs: dict[Stage, Path], entries: list[Entry], tmp_path: Path
) -> None:
    config, steps = run_of("frame"), STEPS["frame"]
    output = tmp_path / "frame"
    shutil.copytree(outputs["frame"], output)
    job = stage_run(config, entries, outputs["clip"] / WEIGHTS)
    job.restore(torch.load(output / CHECKPOINT, weights_only=True)["job"])
    trained = load_network(output / WEIGHTS).state_dict()
    assert all(torch.equal(value, trained[name]) for name, value in job.network.state_dict().items())
    take_steps(config, job, output, steps + 1)
    assert job.steps == steps + 1
    assert len((output / CURVE).read_text().splitlines()) == steps + 1


@pytest.mark.parametrize("stage", ["frame", "identity"])
def test_a_run_does_not_go_on_upon_another_network(
    stage: Stage, outputs: dict[Stage, Path], entries: list[Entry]
) -> None:
    saved = torch.load(outputs["frame"] / CHECKPOINT, weights_only=True)["job"]
    job = stage_run(run_of(stage), entries)
    with pytest.raises(ValueError, match="the checkpoint is of another network"):
        job.restore(saved)
