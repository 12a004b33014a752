"""A server cannot be reached for a while: the broker, the database or the object store."""

from __future__ import annotations

import time
from typing import Final

from tests.servers.company import Outcome, Play, performing
from tests.servers.stage import Stage

_RUN_UP_S: Final = 4.0


def cut_off(stage: Stage, plays: list[Play], wire: str, outage_s: float) -> tuple[Outcome, float]:
    """Cut a wire while performances run; also returns the seconds from its return to the end of all."""
    with performing(stage, plays) as outcome:
        time.sleep(_RUN_UP_S)
        stage.wires[wire].cut()
        time.sleep(outage_s)
        stage.wires[wire].restore()
        restored_s = time.perf_counter()
    return outcome, time.perf_counter() - restored_s
