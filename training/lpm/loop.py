"""The loop of a training run: so many seconds in all, resumed from its own checkpoint, its curve in lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import torch

CHECKPOINT: Final = "checkpoint.pt"
CURVE: Final = "curve.jsonl"
RUN: Final = "run.json"
WEIGHTS: Final = "weights"


class Job(Protocol):
    """What is run: it counts its steps, and keeps how long it has been at work."""

    steps: int
    elapsed_s: float

    def advance(self, progress: float) -> Mapping[str, float]:
        """Take one step and return what to note of it; `progress` runs from 0 to 1 over the planned run."""
        ...

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on, but steps and time; of several processes all are asked."""
        ...

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state` returned; `steps` are restored already."""
        ...

    def write(self, output: Path) -> None:
        """Write weights, and what there is to say of them, to `output`; of several processes one does."""
        ...


def run(
    job: Job,
    output: Path,
    duration_s: float,
    clock: Callable[[], float],
    *,
    log_every: int,
    checkpoint_every_s: float,
) -> None:
    """Run `job` for `duration_s` in all, going on from the checkpoint in `output` if there is one."""
    output.mkdir(parents=True, exist_ok=True)
    for noted, is_due in _steps(job, output, duration_s, clock, checkpoint_every_s):
        if job.steps % log_every == 0:
            _log(output / CURVE, job, noted)
        if is_due:
            _save(job, output)
    _save(job, output)


def follow(
    job: Job, output: Path, duration_s: float, clock: Callable[[], float], *, checkpoint_every_s: float
) -> None:
    """Run `job` beside a process that does so with `run` and the same clock.

    What the other keeps, this one gathers with it, and drops.
    """
    for _, is_due in _steps(job, output, duration_s, clock, checkpoint_every_s):
        if is_due:
            _gather(job, output)
    _gather(job, output)


def write_run(output: Path, job: Job, **facts: object) -> None:
    """Write what a run was made of to run.json; facts that JSON does not know are written as text."""
    run = {"steps": job.steps, "minutes": round(job.elapsed_s / 60, 1), **facts}
    (output / RUN).write_text(json.dumps(run, indent=2, default=str) + "\n")


def _steps(
    job: Job, output: Path, duration_s: float, clock: Callable[[], float], checkpoint_every_s: float
) -> Iterator[tuple[Mapping[str, float], bool]]:
    """Take steps; yield what there is to note of each, and whether a checkpoint is due behind it."""
    if (output / CHECKPOINT).exists():
        _resume(job, output / CHECKPOINT)
    started = clock() - job.elapsed_s
    saved_at = job.elapsed_s
    while job.elapsed_s < duration_s:
        noted = job.advance(job.elapsed_s / duration_s)
        job.steps += 1
        job.elapsed_s = clock() - started
        is_due = job.elapsed_s - saved_at > checkpoint_every_s
        saved_at = job.elapsed_s if is_due else saved_at
        yield noted, is_due


def _resume(job: Job, path: Path) -> None:
    saved = torch.load(path, weights_only=True)
    job.steps, job.elapsed_s = int(saved["steps"]), float(saved["elapsed_s"])
    job.restore(saved["job"])


def _save(job: Job, output: Path) -> None:
    """Write the checkpoint, whole or not at all, and the weights."""
    partial = output / (CHECKPOINT + ".partial")
    torch.save({"job": job.state(), "steps": job.steps, "elapsed_s": job.elapsed_s}, partial)
    partial.replace(output / CHECKPOINT)
    job.write(output)


def _gather(job: Job, output: Path) -> None:
    """Do what `_save` does, in a job that writes nothing."""
    job.state()
    job.write(output)


def _log(path: Path, job: Job, noted: Mapping[str, float]) -> None:
    values = {name: round(float(value), 5) for name, value in noted.items()}
    line = {"step": job.steps, "elapsed_s": round(job.elapsed_s, 1), **values}
    with path.open("a") as curve:
        curve.write(json.dumps(line) + "\n")
