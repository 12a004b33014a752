"""The services as processes of their own, on servers that are given; what dies is started again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.servers.processes import LOOPBACK, ServerError, call, free_port, spawn, wait, wait_until
from tests.servers.s3 import S3Server

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = (
    "gateway",
    "ingestion",
    "moderation",
    "encoding",
    "generation",
    "stitching",
    "worker",
)
# Those that own the database; the others speak through the bus and blobs only.
WITH_DATABASE: Final = ("gateway", "worker")
# On Tansu a group takes as long to form as its session timeout, and a waiting fetch ends only with its time.
_ON_TANSU: Final = {"BUS__SESSION_TIMEOUT_S": "4", "BUS__REQUEST_TIMEOUT_S": "5", "BUS__FETCH_WAIT_S": "0.01"}
_LOOK_S: Final = 0.1
# A process that lives this long before it dies is started again at once, others after growing pauses.
_STEADY_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 5.0
_READY_TIMEOUT_S: Final = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The servers of a cluster, as clients reach them."""

    kafka: str
    database_url: str
    redis_url: str
    s3: S3Server


@dataclass(slots=True)
class _Member:
    """One service and the process that is it at the moment."""

    name: str
    environment: dict[str, str]
    log: Path
    health_port: int
    process: subprocess.Popen[bytes] | None = None
    begun_s: float = 0.0
    due_s: float = 0.0
    pause_s: float = 0.0
    num_starts: int = 0


class Cluster:
    """Running services. What dies is started again, as an orchestrator does."""

    def __init__(self, folder: Path, members: Sequence[_Member], api_port: int) -> None:
        self.api_url: Final = f"http://{LOOPBACK}:{api_port}"
        self.folder: Final = folder
        self._members: Final = {member.name: member for member in members}
        self._lock: Final = threading.Lock()
        self._is_closing: Final = threading.Event()

    @property
    def services(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._members)

    def kill(self, service: str) -> int:
        """End the service's process as SIGKILL does, and return its pid; another one follows."""
        with self._lock:
            process = self._members[service].process
            if process is None or process.poll() is not None:
                raise ServerError(f"{service} is not running")
            process.kill()
            return process.pid

    def terminate(self, service: str) -> int:
        """Ask the service's process to end, as a rolling update does; another one follows."""
        with self._lock:
            process = self._members[service].process
            assert process is not None
            process.terminate()
            return process.pid

    def num_starts(self, service: str) -> int:
        """How many processes there have been."""
        return self._members[service].num_starts

    def is_ready(self, service: str) -> bool:
        """Whether /readyz answers 200."""
        try:
            url = f"http://{LOOPBACK}:{self._members[service].health_port}/readyz"
            return httpx.get(url, timeout=10.0).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def wait_ready(self, services: Sequence[str] = (), timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Wait until these services, or all of them, are ready."""
        for name in services or self._members:
            log = self._members[name].log
            wait_until(lambda: self.is_ready(name), timeout_s, f"{name} to be ready", log, 0.2)  # noqa: B023

    def metrics(self, service: str) -> str:
        """What Prometheus would scrape."""
        url = f"http://{LOOPBACK}:{self._members[service].health_port}/metrics"
        return httpx.get(url, timeout=30.0).text

    def rss_mib(self, service: str) -> float:
        """Resident memory of the service's process."""
        process = self._members[service].process
        assert process is not None
        lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def log_of(self, service: str) -> str:
        """Everything its processes have said."""
        log = self._members[service].log
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def run(self) -> None:
        """Keep every service alive until `close`; ends what it began.

        One thread must do all of it: the services are told to die when the thread that began them ends.
        """
        try:
            while not self._is_closing.wait(_LOOK_S):
                for member in self._members.values():
                    with self._lock:
                        _look_after(member)
        finally:
            for member in self._members.values():
                if member.process is not None:
                    member.process.terminate()
            for member in self._members.values():
                if member.process is not None:
                    wait(member.process)

    def close(self) -> None:
        """Make `run` end."""
        self._is_closing.set()


@contextmanager
def open_cluster(
    folder: Path,
    backends: Backends,
    *,
    services: Sequence[str] = SERVICES,
    more: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """The services as processes, their logs in `folder`; `more` adds to the environment or replaces of it.

    The database is migrated first. The cluster may not be ready yet: see `wait_ready`.
    """
    api_port = free_port()
    members = [_member(name, folder, backends, api_port, more or {}) for name in services]
    cluster = Cluster(folder, members, api_port)
    if "gateway" in services:
        dramatis(backends, "database", "upgrade")
    keeper = threading.Thread(target=cluster.run, name="cluster", daemon=True)
    keeper.start()
    try:
        yield cluster
    finally:
        cluster.close()
        keeper.join()


def environment_of(service: str, backends: Backends) -> dict[str, str]:
    """The variables that tell a service where its servers are."""
    s3 = backends.s3
    told = {
        "BUS__BOOTSTRAP_SERVERS": backends.kafka,
        "BLOBS__ENDPOINT": s3.endpoint,
        "BLOBS__BUCKET": s3.bucket,
        "BLOBS__ACCESS_KEY": s3.access_key,
        "BLOBS__SECRET_KEY": s3.secret_key,
        "BLOBS__REGION": s3.region,
        "BLOBS__SECURE": "false",
    }
    if service in WITH_DATABASE:
        told["DATABASE__URL"] = backends.database_url
    if service == "worker":
        told["JOBS__BROKER_URL"] = backends.redis_url
    return {f"{service.upper()}_{name}": value for name, value in told.items()}


def dramatis(backends: Backends, *arguments: str) -> str:
    """Run an operator's command of the cluster and return what it printed."""
    told = environment_of("gateway", backends) | {
        f"GATEWAY_{name}": value for name, value in _ON_TANSU.items()
    }
    line = [f"{name}={value}" for name, value in told.items()]
    return call(["env", "-C", ROOT, *line, sys.executable, "-m", "services.standalone.main", *arguments])


def _member(name: str, folder: Path, backends: Backends, api_port: int, more: Mapping[str, str]) -> _Member:
    prefix = name.upper()
    health_port = free_port()
    told = environment_of(name, backends) | {f"{prefix}_HEALTH__PORT": str(health_port)}
    told |= {f"{prefix}_{key}": value for key, value in _ON_TANSU.items()}
    if name == "gateway":
        told["GATEWAY_API__PORT"] = str(api_port)
        # Fetching without pause takes half of the processor time that answers need.
        told["GATEWAY_BUS__FETCH_WAIT_S"] = "0.1"
    told |= {key: value for key, value in more.items() if key.startswith(f"{prefix}_")}
    return _Member(name=name, environment=told, log=folder / f"{name}.log", health_port=health_port)


def _look_after(member: _Member) -> None:
    now_s = time.monotonic()
    if member.process is not None:
        if member.process.poll() is None:
            return
        lived_s = now_s - member.begun_s
        member.process = None
        member.pause_s = 0.0 if lived_s > _STEADY_S else min(max(member.pause_s * 2, 0.2), _LONGEST_PAUSE_S)
        member.due_s = now_s + member.pause_s
    if now_s >= member.due_s:
        member.process = spawn(
            [*_priority(member.name), sys.executable, "-m", f"services.{member.name}.main"],
            member.log,
            environment={"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'proto' / 'gen'}", **member.environment},
        )
        member.begun_s = now_s
        member.num_starts += 1


def _priority(name: str) -> list[str]:
    """On one machine clients come before work, as in the compose file."""
    return [] if name == "gateway" else ["nice", "-n", "10"]
