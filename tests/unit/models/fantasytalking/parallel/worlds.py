"""All worlds run in processes of their own, and what came of it."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from tests.servers.processes import free_port, last_words, spawn, wait
from tests.unit.models.fantasytalking.parallel.world import WORLDS, Found

_ROOT = Path(__file__).parents[5]
_RANKS = [(name, rank) for name, world in WORLDS.items() for rank in range(world.world_size)]
Results = dict[tuple[str, int], Found]


def run_worlds(folder: Path) -> Results:
    """Return what every process of every world found, by the world's name and the rank."""
    log = folder / "log"
    module = "tests.unit.models.fantasytalking.parallel.world"
    process = spawn(
        [sys.executable, "-m", module, str(free_port()), str(folder)],
        log,
        environment={"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )
    wait(process, 600)
    assert process.returncode == 0, last_words(log)
    return {(name, rank): torch.load(folder / f"{name}-{rank}.pt") for name, rank in _RANKS}
