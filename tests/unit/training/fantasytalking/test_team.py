"""Workers learn the same from clips of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.fantasytalking.weights import load_network
from tests.servers.processes import free_port, last_words, spawn, wait
from tests.unit.training.fantasytalking.people import draw_clips, run_of, stage_run
from tests.unit.training.fantasytalking.team_world import CLIPS, STEPS, WORKERS
from training.fantasytalking.team import Alone
from training.lpm.loop import CURVE, WEIGHTS, follow

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


def test_gradients_are_averaged_and_missing_ones_are_zero(folder: Path) -> None:
    assert [each["gradient"].tolist() for each in found(folder)] == [[1.0, 2.0]] * WORKERS


def test_workers_take_equally_many_steps_by_the_first_ones_clock_and_end_alike(folder: Path) -> None:
    one, two = found(folder)
    assert int(one["steps"]) == int(two["steps"]) == STEPS
    assert one.keys() == two.keys()
    assert all(torch.equal(value, two[name]) for name, value in one.items())


def test_the_first_worker_writes_for_all(folder: Path) -> None:
    written = load_network(folder / "out" / WEIGHTS).state_dict()
    first, _ = found(folder)
    assert all(torch.equal(value, first[name]) for name, value in written.items())
    assert len((folder / "out" / CURVE).read_text().splitlines()) == STEPS


def test_two_workers_learn_otherwise_than_one_would(folder: Path, tmp_path: Path) -> None:
    job = stage_run(run_of("clip"), draw_clips(tmp_path))
    for _ in range(STEPS):
        job.advance(0)
        job.steps += 1
    first, _ = found(folder)
    name = "backbone.blocks.0.attn2.processor.speech.v_proj.weight"
    assert not torch.allclose(job.network.state_dict()[name], first[name])


def test_who_follows_writes_nothing(tmp_path: Path) -> None:
    job = stage_run(run_of("clip"), draw_clips(tmp_path / CLIPS))
    ticks = iter(range(9))
    follow(job, tmp_path / "out", 2, lambda: float(next(ticks)))
    assert job.steps == 2
    assert not (tmp_path / "out").exists()


def test_alone_the_clock_is_ones_own() -> None:
    assert Alone().share(lambda: 7.0)() == 7.0
