"""Redis: a server of our own, without persistence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import LOOPBACK, accepts, free_port, require, running


@contextmanager
def open_redis(folder: Path) -> Iterator[tuple[str, int]]:
    """Host and port of a server whose log lies in `folder`; it takes 0.05 s to start."""
    require("redis-server", "redis-server")
    port = free_port()
    command = ["redis-server", "--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no"]
    with running(command, folder / "redis.log", lambda: accepts(port)):
        yield LOOPBACK, port
