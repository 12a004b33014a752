"""FantasyTalking on several processes of this machine: what it computes beside one, and what each holds.

Speed is not measured: processes on shared cores say nothing about devices of their own.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from torch import Tensor

from models.fantasytalking.parallel.config import ParallelConfig
from tests.bench.figures import report
from tests.unit.models.fantasytalking.parallel.world import WITH_GRADIENTS, WORLDS, Found, alone
from tests.unit.models.fantasytalking.parallel.worlds import Results, run_worlds

BENCH: Final = "fantasytalking_sharded"
FORWARD_BAR: Final = 10.0
GRADIENT_BAR: Final = 1000.0
# A window of speech for each latent frame, one for all, and tokens that do not divide among four.
_FORWARDS: Final = ("velocity", "clip", "uneven")
_GRADIENT: Final = "gradient "
_MILLIONTHS: Final = "millionths of the largest"


def main() -> None:
    """Print, for each way to lay the network over processes, differences from one, and weights held."""
    expected = alone()
    with TemporaryDirectory() as folder:
        results = run_worlds(Path(folder))
    report(BENCH, "1 process", "weights held", 1.0, "of the transformer")
    for name, world in WORLDS.items():
        _report(_case(world), [results[name, rank] for rank in range(world.world_size)], expected)
        if name in WITH_GRADIENTS:
            difference = largest_gradient_difference(results, name, expected)
            report(BENCH, _case(world), "gradients", difference * 1e6, _MILLIONTHS, bar=GRADIENT_BAR)


def largest_gradient_difference(results: Results, name: str, expected: Found) -> float:
    """The difference of a weight's gradient over the largest of its numbers, for the worst weight of all.

    A gradient that a process lacks counts as wholly off.
    """
    names = [what for what in expected if what.startswith(_GRADIENT)]
    founds = [results[name, rank] for rank in range(WORLDS[name].world_size)]
    return max(
        _difference(found[what], expected[what]) if what in found else 1.0
        for found in founds
        for what in names
    )


def _report(case: str, founds: list[Found], expected: Found) -> None:
    forward = max(_difference(found[what], expected[what]) for found in founds for what in _FORWARDS)
    report(BENCH, case, "velocity", forward * 1e6, _MILLIONTHS, bar=FORWARD_BAR)
    held = max(float(found["held"]) for found in founds) / float(expected["held"])
    report(BENCH, case, "weights held", held, "of the transformer", baseline=1.0)


def _case(world: ParallelConfig) -> str:
    groups = f", {world.guidance} groups" if world.guidance > 1 else ""
    return f"{world.world_size} processes{groups}, weights {world.memory.value}"


def _difference(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


if __name__ == "__main__":
    main()
