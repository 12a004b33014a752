"""The platform: the demo's job over HTTP, in one process and in a cluster, beside the command alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from tests.bench.command import dramatis
from tests.bench.figures import report
from tests.servers.client import ENDED, Client
from tests.servers.serving import open_served
from tests.servers.stage import PORTRAIT, SPEECH, open_stage

_SIZE: Final = 512
_ROUNDS: Final = 3
_PERFORMS: Final = 2
_POLL_S: Final = 0.05
_TIMEOUT_S: Final = 300.0
_EMBEDDED_BAR: Final = 1.15
_CLUSTER_BAR: Final = 1.30


def main() -> None:
    """Print how long the job takes each way, and by how much HTTP is longer than the command.

    The command runs before, between and after the others, while no server does.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        alone = [_perform(folder) for _ in range(_PERFORMS)]
        embedded = _measure(_open_embedded, folder / "embedded")
        alone += [_perform(folder) for _ in range(_PERFORMS)]
        cluster = _measure(_open_cluster, folder / "cluster")
        alone += [_perform(folder) for _ in range(_PERFORMS)]
    command_s = median(alone)
    report("platform", "perform", "wall", command_s, "s", runs=len(alone), load=os.getloadavg()[0])
    _report("http, embedded", embedded, command_s, _EMBEDDED_BAR)
    _report("http, Kafka + PostgreSQL + S3 + Redis", cluster, command_s, _CLUSTER_BAR)


def _perform(folder: Path) -> float:
    output = folder / "out.mp4"
    line = ("perform", PORTRAIT, "--speech", SPEECH, "--size", str(_SIZE), "--quiet", "--output", output)
    return dramatis(*line).wall_s


def _open_embedded(stack: ExitStack, folder: Path) -> Client:
    return stack.enter_context(open_served(folder))[1]


def _open_cluster(stack: ExitStack, folder: Path) -> Client:
    return stack.enter_context(open_stage(folder)).client


def _measure(open_platform: Callable[[ExitStack, Path], Client], folder: Path) -> list[float]:
    """The seconds from a request to its whole video, some times; the character is ready before."""
    folder.mkdir()
    with ExitStack() as stack:
        client = open_platform(stack, folder)
        character = client.create_character(PORTRAIT)
        client.wait_for_character(character)
        _serve(client, character)
        return [_serve(client, character) for _ in range(_ROUNDS)]


def _serve(client: Client, character: str) -> float:
    began_s = time.perf_counter()
    path = f"/v1/performances/{client.create_performance(character, SPEECH, size=_SIZE)}"
    while (state := client.get(path).json()["state"]) not in ENDED:
        if time.perf_counter() - began_s > _TIMEOUT_S:
            raise TimeoutError(f"{path} is {state} after {_TIMEOUT_S:g} s")
        time.sleep(_POLL_S)
    client.get(f"{path}/video").raise_for_status()
    return time.perf_counter() - began_s


def _report(case: str, walls_s: list[float], command_s: float, bar: float) -> None:
    wall_s = median(walls_s)
    report("platform", case, "wall", wall_s, "s", runs=len(walls_s))
    report("platform", case, "over_perform", wall_s / command_s, "x", bar=bar)


if __name__ == "__main__":
    main()
