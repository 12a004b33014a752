"""Two workers that learn together: python -m tests.unit.training.fantasytalking.team_world PORT FOLDER."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count, product
from pathlib import Path
from typing import Final

import torch
import torch._dynamo  # FSDP would import it in each process, which takes seconds.
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor

from tests.unit.training.fantasytalking.people import run_of, stage_run
from training.fantasytalking.clips import find_clips
from training.fantasytalking.config import Sharding, Stage, TrainingConfig
from training.fantasytalking.run import StageRun, execute
from training.fantasytalking.team import Together

WORKERS = 2
STEPS = 2
CLIPS = "clips"
STAGES: Final[tuple[Stage, ...]] = ("base", "frame")
LAYINGS: Final[tuple[Sharding, ...]] = ("replicated", "sharded")


def run_with(stage: Stage, sharding: Sharding) -> TrainingConfig:
    """Return a run whose steps learn from two batches."""
    config = replace(run_of(stage), batch=1, accumulation=2)
    return replace(config, checkpointing=True, sharding=sharding)


def _work(rank: int, port: int, folder: Path) -> None:
    dist.init_process_group(
        "gloo",
        init_method=f"tcp://127.0.0.1:{port}",
        rank=rank,
        world_size=WORKERS,
        timeout=timedelta(seconds=120),
    )
    team = Together("cpu")
    given = torch.nn.Parameter(torch.zeros(2))
    given.grad = torch.tensor([2.0, 4.0]) if rank else None
    team.average([given])
    assert given.grad is not None
    found = {"gradient": given.grad}
    for stage, sharding in product(STAGES, LAYINGS):
        name = f"{stage}-{sharding}"
        # A run is begun, and taken up again, for a step each time.
        for steps in range(1, STEPS + 1):
            job = stage_run(run_with(stage, sharding), find_clips(folder / CLIPS), team=team)
            clock = _clock(steps, rank)
            execute(job, run_with(stage, sharding), folder / name, steps, clock, team)
        found |= {f"{name} steps": torch.tensor(job.steps), f"{name} held": _held(job)}
        found |= {f"{name} {key}": value for key, value in job.network.state_dict().items()}
    torch.save({key: _local(value) for key, value in found.items()}, folder / f"{rank}.pt")
    dist.destroy_process_group()


def _clock(begins_s: int, rank: int) -> Callable[[], float]:
    """Only the first worker's clock counts: those of others stand still."""
    ticks = count(begins_s)
    return lambda: 0.0 if rank else float(next(ticks))


def _held(job: StageRun) -> Tensor:
    """How many numbers of the weights this worker holds."""
    return torch.tensor(sum(_local(weight).numel() for weight in job.network.parameters()))


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    arguments = (int(sys.argv[1]), Path(sys.argv[2]))
    workers = [fork.Process(target=_work, args=(rank, *arguments), daemon=True) for rank in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(sum(worker.exitcode != 0 for worker in workers))
