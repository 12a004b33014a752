"""How a disturbance is reported."""

from __future__ import annotations

from tests.bench.figures import report
from tests.servers.company import Outcome


def tell(case: str, outcome: Outcome, **more: float | int | str) -> None:
    """Report an outcome; the bar of every fault is none."""
    faults = {
        "failed": outcome.failed,
        "different_files": outcome.different_files,
        "different_pictures": outcome.different_pictures,
        "broken_ledgers": outcome.broken_ledgers,
    }
    report("chaos", case, "performances", outcome.num_performed, "", attempts=outcome.num_attempts,
           slowest_s=outcome.slowest_s, **more)  # fmt: skip
    for figure, found in faults.items():
        report("chaos", case, figure, len(found), "", bar=0, which="; ".join(found[:3]) or None)
