"""Training runs: the loss falls, a run resumes, what it writes can be loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.lpm.weights import load_lpm
from training.lpm.loop import CURVE
from training.lpm_motion.config import tiny_run
from training.lpm_motion.data import Scenes, load_scenes
from training.lpm_motion.main import train


def ticking() -> Iterator[float]:
    """A clock on which every step takes one second."""
    yield from (float(second) for second in range(100_000))


def train_steps(data: Scenes, output: Path, steps: int) -> None:
    clock = ticking()
    train(tiny_run(), data, output, duration_s=steps, clock=lambda: next(clock))


@pytest.fixture
def curve(data: Scenes, tmp_path: Path) -> list[dict[str, float]]:
    train_steps(data, tmp_path, 40)
    return [json.loads(line) for line in (tmp_path / CURVE).read_text().splitlines()]


def test_the_loss_falls(curve: list[dict[str, float]]) -> None:
    learned = [line["mouth"] for line in curve if line["mouth"] > 0]
    assert learned[-1] < 0.7 * learned[0]


def test_the_speak_encoder_learns_first(curve: list[dict[str, float]]) -> None:
    assert curve[0]["mouth"] == 0 < curve[0]["speech_phone"]


def test_a_run_resumes_where_it_stopped(data: Scenes, tmp_path: Path) -> None:
    train_steps(data, tmp_path, 10)
    train_steps(data, tmp_path, 20)
    steps = [json.loads(line)["step"] for line in (tmp_path / CURVE).read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert 20 <= json.loads((tmp_path / "run.json").read_text())["steps"] <= 22


def test_a_run_writes_weights_that_load_and_a_card(data: Scenes, tmp_path: Path) -> None:
    train_steps(data, tmp_path, 3)
    assert load_lpm(tmp_path / "weights").config == tiny_run().model
    assert "hours of synthetic speech" in (tmp_path / "weights" / "README.md").read_text()


def test_a_folder_without_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no shards"):
        load_scenes(tmp_path, tiny_run().model)
