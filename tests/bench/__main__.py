"""Every bench in turn, or those named as arguments: `python -m tests.bench [NAME ...]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

from tests.bench.media import MissingMediaError

NAMES: Final = (
    "speed",
    "platform",
    "bus",
    "rendering",
    "silence",
    "closure",
    "lip_sync",
    "inverse",
    "reenact",
)


def main(names: list[str]) -> int:
    """Run benches; 2 for an unknown name, 1 if one that was asked for by name lacks its recordings."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.stderr.write(f"no bench {', '.join(unknown)}; there are {', '.join(NAMES)}\n")
        return 2
    status = 0
    for name in names or NAMES:
        bench: Callable[[], None] = import_module(f"tests.bench.{name}").main
        try:
            bench()
        except MissingMediaError as error:
            sys.stderr.write(f"{name} is left out: {error}\n")
            status = 1 if names else status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
