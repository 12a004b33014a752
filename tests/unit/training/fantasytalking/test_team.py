"""Workers learn the same from clips of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.fantasytalking.weights import load_network
from tests.servers.processes import free_port, last_words, spawn, wait
from tests.unit.training.fantasytalking.people import draw_clips, run_of, stage_run
from tests.unit.training.fantasytalking.team_world import CLIPS, LAYINGS, STAGES, STEPS, WORKERS, run_with
from training.fantasytalking.clips import find_clips
from training.fantasytalking.config import Stage
from training.fantasytalking.team import Alone
from training.lpm.loop import CHECKPOINT, CURVE, WEIGHTS, follow

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two workers left."""
    folder = tmp_path_factory.mktemp("team")
    draw_clips(folder / CLIPS)
    process = spawn(
        [
            sys.executable,
            "-m",
            "tests.unit.training.fantasytalking.team_world",
            str(free_port()),
            str(folder),
        ],
        folder / "log",
        environment={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )
    wait(process, 600)
    assert process.returncode == 0, last_words(folder / "log")
    return folder


def found(folder: Path) -> list[dict[str, Tensor]]:
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORKERS)]


def weights_of(folder: Path, name: str) -> dict[str, Tensor]:
    return load_network(folder / name / WEIGHTS).state_dict()


def errors_of(folder: Path, name: str) -> list[float]:
    lines = (folder / name / CURVE).read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_gradients_are_averaged_and_missing_ones_are_zero(folder: Path) -> None:
    assert [each["gradient"].tolist() for each in found(folder)] == [[1.0, 2.0]] * WORKERS


@pytest.mark.parametrize("stage", STAGES)
def test_workers_take_equally_many_steps_by_the_first_ones_clock_and_end_alike(
    folder: Path, stage: Stage
) -> None:
    one, two = found(folder)
    assert one.keys() == two.keys()
    assert {int(each[f"{stage}-{laying} steps"]) for each in (one, two) for laying in LAYINGS} == {STEPS}
    same = [name for name in one if name.startswith(f"{stage}-replicated ")]
    assert all(torch.equal(one[name], two[name]) for name in same)


@pytest.mark.parametrize("stage", STAGES)
def test_the_first_worker_writes_for_all(folder: Path, stage: Stage) -> None:
    written = weights_of(folder, f"{stage}-replicated")
    first, _ = found(folder)
    assert all(torch.equal(value, first[f"{stage}-replicated {name}"]) for name, value in written.items())
    assert len(errors_of(folder, f"{stage}-replicated")) == STEPS


@pytest.mark.parametrize("stage", STAGES)
def test_sharded_weights_are_held_once_and_learn_what_replicated_ones_do(folder: Path, stage: Stage) -> None:
    whole = int(found(folder)[0][f"{stage}-replicated held"])
    held = [int(each[f"{stage}-sharded held"]) for each in found(folder)]
    assert sum(held) == whole
    assert max(held) < 0.6 * whole
    replicated, sharded = (weights_of(folder, f"{stage}-{laying}") for laying in LAYINGS)
    torch.testing.assert_close(sharded, replicated, atol=1e-5, rtol=0)
    replicated_errors, sharded_errors = (errors_of(folder, f"{stage}-{laying}") for laying in LAYINGS)
    # Errors are written with five digits.
    assert sharded_errors == pytest.approx(replicated_errors, abs=2e-5)


@pytest.mark.parametrize("stage", STAGES)
def test_one_worker_goes_on_with_what_several_learned_in_shares(folder: Path, stage: Stage) -> None:
    name = f"{stage}-sharded"
    job = stage_run(run_of(stage), find_clips(folder / CLIPS))
    job.restore(torch.load(folder / name / CHECKPOINT, weights_only=True)["job"])
    written = weights_of(folder, name)
    assert all(torch.equal(value, written[key]) for key, value in job.network.state_dict().items())
    job.advance(0)


def test_two_workers_learn_otherwise_than_one_would(folder: Path) -> None:
    job = stage_run(run_with("frame", "replicated"), find_clips(folder / CLIPS))
    for _ in range(STEPS):
        job.advance(0)
        job.steps += 1
    name = "backbone.blocks.0.attn2.processor.speech.v_proj.weight"
    assert not torch.allclose(job.network.state_dict()[name], weights_of(folder, "frame-replicated")[name])


def test_who_follows_writes_nothing(tmp_path: Path) -> None:
    class Second(Alone):
        rank = 1

    job = stage_run(run_of("clip"), draw_clips(tmp_path / CLIPS), team=Second())
    ticks = iter(range(9))
    follow(job, tmp_path / "out", 2, lambda: float(next(ticks)), checkpoint_every_s=0.5)
    assert job.steps == 2
    assert not (tmp_path / "out").exists()


def test_weights_that_nobody_shares_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="weights are sharded over workers, but this one is alone"):
        stage_run(run_with("frame", "sharded"), draw_clips(tmp_path))


def test_alone_the_clock_is_ones_own() -> None:
    assert Alone().share(lambda: 7.0)() == 7.0
