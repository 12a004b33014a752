"""A run ends when its time is over, goes on from its checkpoint, and notes what it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from training.lpm.loop import CHECKPOINT, CURVE, run


class Counting:
    """A job that remembers the progress it was told."""

    def __init__(self) -> None:
        self.steps = 0
        self.elapsed_s = 0.0
        self.told: list[float] = []

    def advance(self, progress: float) -> Mapping[str, float]:
        self.told.append(progress)
        return {"told": progress}

    def state(self) -> dict[str, Any]:
        return {"told": self.told}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.told = list(saved["told"])

    def write(self, output: Path) -> None:
        (output / "weights").write_text(str(self.steps))


def take(output: Path, seconds: float, *, checkpoint_every_s: float = 100.0) -> Counting:
    job, clock = Counting(), count()
    run(
        job,
        output,
        seconds,
        lambda: float(next(clock)),
        log_every=2,
        checkpoint_every_s=checkpoint_every_s,
    )
    return job


def test_progress_runs_over_the_planned_time(tmp_path: Path) -> None:
    assert take(tmp_path, 4).told == pytest.approx([0, 0.25, 0.5, 0.75])


def test_a_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    take(tmp_path, 4)
    resumed = take(tmp_path, 8)
    assert resumed.steps == len(resumed.told) == 8
    assert resumed.told[4:] == pytest.approx([0.5, 0.625, 0.75, 0.875])


def test_every_other_step_is_noted(tmp_path: Path) -> None:
    take(tmp_path, 5)
    lines = [json.loads(line) for line in (tmp_path / CURVE).read_text().splitlines()]
    assert [(line["step"], line["told"]) for line in lines] == [(2, 0.2), (4, 0.6)]


def test_a_checkpoint_is_whole(tmp_path: Path) -> None:
    take(tmp_path, 5, checkpoint_every_s=1)
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT, CURVE, "weights"}
