"""A service is killed at random moments while performances run."""

from __future__ import annotations

import time
from random import Random
from typing import Final

from tests.servers.company import Outcome, Play, performing
from tests.servers.stage import Stage

_SEED: Final = 20261121
_LATEST_S: Final = 4.0


def kill_again_and_again(stage: Stage, plays: list[Play], service: str, num_kills: int) -> Outcome:
    """Kill a service so often, each time some moments after it was ready again."""
    randomness = Random(f"{_SEED} {service}")
    with performing(stage, plays) as outcome:
        for _ in range(num_kills):
            stage.cluster.wait_ready([service])
            time.sleep(randomness.uniform(0.1, _LATEST_S))
            stage.cluster.kill(service)
    return outcome
