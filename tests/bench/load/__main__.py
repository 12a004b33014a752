"""Fifty clients on the API of a cluster while four performances run: `python -m tests.bench.load`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, Final

from tests.bench.figures import report
from tests.bench.load.swarm import put_load
from tests.servers.company import performing, rehearse
from tests.servers.processes import scratch
from tests.servers.stage import PORTRAIT, open_stage

_NUM_PLAYS: Final = 4
_READ_BAR_MS: Final = 100


def main() -> int:
    """Print the times of reads and uploads, and errors; 0 whatever they are."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    with scratch() as folder, open_stage(folder) as stage:
        character_id = stage.client.create_character(PORTRAIT)
        assert stage.client.wait_for_character(character_id)["state"] == "ready"
        plays = rehearse(stage, character_id, _NUM_PLAYS)
        with performing(stage, plays) as outcome:
            stats = put_load(stage, character_id, asked.clients, asked.seconds)
        _tell(stats, asked.clients, asked.seconds)
        report("load", "performances meanwhile", "faults", len(outcome.faults), "", bar=0,
               performances=outcome.num_performed)  # fmt: skip
    return 0


def _tell(stats: list[dict[str, Any]], num_clients: int, seconds: int) -> None:
    reads = [entry for entry in stats if entry["name"].startswith("read ")]
    case = f"{num_clients} clients, {_NUM_PLAYS} performances"
    for entry in stats:
        report("load", case, f"p95 of {entry['name']}", _percentile([entry], 0.95), "ms",
               p50=_percentile([entry], 0.5), requests=entry["num_requests"])  # fmt: skip
    cores = {"cores": os.cpu_count() or 0, "load": os.getloadavg()[0]}
    report("load", case, "p95 of reads", _percentile(reads, 0.95), "ms", bar=_READ_BAR_MS, **cores)
    report("load", case, "errors", sum(entry["num_failures"] for entry in stats), "", bar=0)
    report("load", case, "requests", sum(entry["num_requests"] for entry in stats) / seconds, "1/s")


def _percentile(stats: list[dict[str, Any]], share: float) -> float:
    """The time within which that share of the requests was answered, of locust's rounded histograms."""
    times = sorted((float(ms), number) for entry in stats for ms, number in entry["response_times"].items())
    left = share * sum(number for _, number in times)
    for ms, number in times:
        left -= number
        if left <= 0:
            return ms
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
