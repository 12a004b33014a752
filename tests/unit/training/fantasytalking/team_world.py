"""Two workers that learn together: python -m tests.unit.training.fantasytalking.team_world PORT FOLDER."""

from __future__ import annotations

import multiprocessing
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from tests.unit.training.fantasytalking.people import run_of, stage_run
from training.fantasytalking.clips import find_clips
from training.fantasytalking.run import execute
from training.fantasytalking.team import Together

WORKERS = 2
STEPS = 2
CLIPS = "clips"


def _work(rank: int, port: int, folder: Path) -> None:
    dist.init_process_group(
        "gloo",
        init_method=f"tcp://127.0.0.1:{port}",
        rank=rank,
        world_size=WORKERS,
        timeout=timedelta(seconds=120),
    )
    team, config = Together("cpu"), run_of("clip")
    given = torch.nn.Parameter(torch.zeros(2))
    given.grad = torch.tensor([2.0, 4.0]) if rank else None
    team.average([given])
    job = stage_run(config, find_clips(folder / CLIPS), team=team)
    # Only the first worker's clock counts: those of others stand still.
    ticks = iter(range(100))
    execute(job, config, folder / "out", STEPS, lambda: 0.0 if rank else float(next(ticks)), team)
    found = {"gradient": given.grad, "steps": torch.tensor(job.steps), **job.network.state_dict()}
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    arguments = (int(sys.argv[1]), Path(sys.argv[2]))
    workers = [fork.Process(target=_work, args=(rank, *arguments), daemon=True) for rank in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(sum(worker.exitcode != 0 for worker in workers))
