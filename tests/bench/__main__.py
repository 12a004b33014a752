"""Every bench in turn, or those named as arguments: `python -m tests.bench [--endless] [NAME ...]`.

`--endless` adds those that simulate an hour, or ten thousand chunks; they take minutes.
"""

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
    "step",
    "listening",
    "duplex",
    "direction",
    "timeline",
    "diversity",
    "personalive_cost",
)
ENDLESS: Final = ("endless", "personalive_endless")
_ENDLESS_FLAG: Final = "--endless"


def main(arguments: list[str]) -> int:
    """Run benches; 2 for an unknown name, 1 if one that was asked for by name lacks its recordings."""
    names = [argument for argument in arguments if argument != _ENDLESS_FLAG]
    unknown = [name for name in names if name not in NAMES + ENDLESS]
    if unknown:
        sys.stderr.write(f"no bench {', '.join(unknown)}; there are {', '.join(NAMES + ENDLESS)}\n")
        return 2
    status = 0
    for name in (*(names or NAMES), *(ENDLESS if _ENDLESS_FLAG in arguments else ())):
        bench: Callable[[], None] = import_module(f"tests.bench.{name}").main
        try:
            bench()
        except MissingMediaError as error:
            sys.stderr.write(f"{name} is left out: {error}\n")
            status = 1 if names else status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
