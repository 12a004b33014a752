"""`dramatis serve` as a process of its own, which can be killed and started again."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.servers.client import Client, open_client
from tests.servers.processes import LOOPBACK, ServerError, end, free_port, last_words, spawn

__all__ = ["Served", "open_served"]

_ROOT: Final = Path(__file__).parents[2]
_COMMAND: Final = (sys.executable, "-m", "services.standalone.main", "serve")
_START_TIMEOUT_S: Final = 240.0
# Webhooks of tests go to this machine; one client asks more often than a customer may.
_SETTINGS: Final = {
    "WORKER_EGRESS__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
    "GATEWAY_ADMISSION__REQUESTS_PER_MINUTE": "100000",
    "PYTHONPATH": f"{_ROOT}:{_ROOT / 'proto' / 'gen'}",
}


class Served:
    """A platform in one process, on a folder and a port that stay the same."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.url: Final = f"http://{LOOPBACK}:{(port := free_port())}"
        self.data: Final = folder / "data"
        self._log = folder / "serve.log"
        self._command = (*_COMMAND, "--port", str(port), "--data", str(self.data))
        self._settings = {**_SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> str:
        """The key that the first start printed."""
        found = re.search(r"not shown again: (\S+)", self._log.read_text())
        assert found is not None
        return found[1]

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that serves now."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start, and wait until work is taken."""
        before = self._count_starts()
        self._process = spawn(self._command, self._log, environment=self._settings)
        give_up_s = time.monotonic() + _START_TIMEOUT_S
        while self._count_starts() == before:
            if self._process.poll() is not None or time.monotonic() > give_up_s:
                raise ServerError(f"dramatis serve did not start: {last_words(self._log)}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask to end, and return the exit code."""
        end(self.process)
        return self.process.returncode

    def _count_starts(self) -> int:
        return self._log.read_text().count(f"serving {self.url}\n") if self._log.exists() else 0


@contextmanager
def open_served(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[tuple[Served, Client]]:
    """A platform that has started, and a client with its first key."""
    served = Served(folder, settings or {})
    served.start()
    try:
        with open_client(served.url, served.key) as client:
            yield served, client
    finally:
        end(served.process)
