"""Every bench in turn, or those named as arguments: `python -m tests.bench [--endless] [NAME ...]`.

`--endless` adds those that simulate an hour, or ten thousand chunks; they take minutes. Benches of a GPU run
when they are named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

from tests.bench.device import MissingDeviceError
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
    "motion_intensity",
    "timeline",
    "diversity",
    "personalive_cost",
    "personalive_latency",
    "fantasytalking_guidance",
    "fantasytalking_sharded",
    "fantasytalking_crash",
    "fantasytalking_long",
)
ENDLESS: Final = ("endless", "personalive_endless")
OF_A_GPU: Final = ("personalive_gpu", "fantasytalking_gpu")
_ALL: Final = NAMES + ENDLESS + OF_A_GPU
_ENDLESS_FLAG: Final = "--endless"


def main(arguments: list[str]) -> int:
    """Run benches; 2 for an unknown name, 1 if one that was named lacks its recordings or its device."""
    names = [argument for argument in arguments if argument != _ENDLESS_FLAG]
    unknown = [name for name in names if name not in _ALL]
    if unknown:
        sys.stderr.write(f"no bench {', '.join(unknown)}; there are {', '.join(_ALL)}\n")
        return 2
    status = 0
    for name in (*(names or NAMES), *(ENDLESS if _ENDLESS_FLAG in arguments else ())):
        bench: Callable[[], None] = import_module(f"tests.bench.{name}").main
        try:
            bench()
        except (MissingMediaError, MissingDeviceError) as error:
            sys.stderr.write(f"{name} is left out: {error}\n")
            status = 1 if names else status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
