"""`dramatis parity`: whether our networks compute what the published ones computed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from services.generation.parity import Verdict

__all__ = ["parity"]

_EXIT_FAILED = 1


@click.command()
@click.argument("system", type=click.Choice(["personalive", "fantasytalking"]))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def parity(system: Literal["personalive", "fantasytalking"], folder: Path) -> int:
    """Replay the recorded cases in DIR, and print how far each output is off, as lines of JSON."""
    from services.generation.parity import compare  # loads the networks, only for this command

    holds = True
    for verdict in compare(system, folder):
        click.echo(_line(verdict))
        holds &= verdict.holds
    return 0 if holds else _EXIT_FAILED


def _line(verdict: Verdict) -> str:
    fields = {
        "case": verdict.case,
        "output": verdict.output,
        # JSON knows no infinity.
        "max_error": verdict.error if math.isfinite(verdict.error) else None,
        "tolerance": verdict.tolerance,
        "verdict": "pass" if verdict.holds else "fail",
    }
    return json.dumps(fields | ({"note": verdict.note} if verdict.note else {}))
