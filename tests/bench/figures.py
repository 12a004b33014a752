"""How a bench reports: one JSON line per figure on the standard output."""

from __future__ import annotations

import json
import sys


def report(
    bench: str, case: str, figure: str, value: float, unit: str, **more: float | int | str | None
) -> None:
    """Print one figure as a JSON line; `more` holds its bar, its baseline or what it was measured on."""
    line = {"bench": bench, "case": case, "figure": figure, "value": round(value, 4), "unit": unit}
    sys.stdout.write(json.dumps(line | {k: _short(v) for k, v in more.items()}) + "\n")
    sys.stdout.flush()


def _short(value: float | int | str | None) -> float | int | str | None:
    return round(value, 4) if isinstance(value, float) else value
