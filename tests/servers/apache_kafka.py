"""Apache Kafka, one broker that is its own controller (KRaft): from Maven Central, or as a container."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from tests.servers.processes import LOOPBACK, ServerError, accepts, call, free_port, running, wait_until

_VERSION: Final = "4.1.0"
_SLF4J_VERSION: Final = "1.7.36"
_IMAGE: Final = f"docker.io/apache/kafka:{_VERSION}"
_CENTRAL: Final = "https://repo.maven.apache.org/maven2"
_PROBE_TIMEOUT_S: Final = 3.0
_START_TIMEOUT_S: Final = 180.0

_POM: Final = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dramatis.tests</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
      <version>{_SLF4J_VERSION}</version></dependency>
  </dependencies>
</project>
"""


def fetch() -> Path:
    """The folder with the broker's jars, fetched once into the user's cache (about 120 MB).

    Raises ServerError when they are not there and Maven Central does not answer within 3 s.
    """
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dramatis" / f"kafka-{_VERSION}"
    )
    jars = cache / "libs"
    if (cache / "complete").exists():
        return jars
    if not _central_answers():
        raise ServerError("Maven Central does not answer")
    if not (shutil.which("java") and shutil.which("mvn")):
        raise ServerError(
            "java and mvn not found: apt-get install --no-install-recommends default-jre-headless maven"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        # Another worker may be fetching: its broker must not run on files that we write anew.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "complete").exists():
            pom = cache / "pom.xml"
            pom.write_text(_POM, encoding="utf-8")
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
            call(["mvn", "--quiet", "--batch-mode", "-f", pom, *goal], timeout_s=600)
            (cache / "complete").touch()
    return jars


@contextmanager
def open_apache_kafka(folder: Path, jars: Path, *, advertised: tuple[str, int]) -> Iterator[int]:
    """The port of a broker that tells clients to come to `advertised`; about 5 s."""
    port = free_port()
    root = folder / "kafka"
    root.mkdir()
    settings = root / "server.properties"
    lines = properties(port=port, controller_port=free_port(), advertised=advertised) | {
        "log.dirs": str(root / "data")
    }
    settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")
    java = ["java", "-Xms256m", "-Xmx512m", "-cp", f"{jars}/*"]
    identity = call([*java, "kafka.tools.StorageTool", "random-uuid"]).strip().splitlines()[-1]
    call([*java, "kafka.tools.StorageTool", "format", "--cluster-id", identity, "-c", settings])
    log = folder / "kafka.log"
    with running(
        [*java, "kafka.Kafka", settings],
        log,
        lambda: accepts(port),
        death_signal="TERM",
        timeout_s=_START_TIMEOUT_S,
    ):
        yield port


@contextmanager
def open_container(folder: Path, *, advertised: tuple[str, int]) -> Iterator[int]:
    """The same from the published image, on the host's network."""
    port = free_port()
    name = f"dramatis-test-kafka-{uuid4().hex[:8]}"
    lines = properties(port=port, controller_port=free_port(), advertised=advertised)
    given = [
        word
        for key, value in lines.items()
        for word in ("--env", f"KAFKA_{key.upper().replace('.', '_')}={value}")
    ]
    call(
        ["docker", "run", "--detach", "--rm", "--network", "host", "--name", name, *given, _IMAGE],
        timeout_s=600,
    )
    try:
        wait_until(lambda: accepts(port), _START_TIMEOUT_S, f"the container {name}")
        yield port
    finally:
        call(["docker", "rm", "--force", name])


def can_run_container() -> bool:
    """Whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def properties(*, port: int, controller_port: int, advertised: tuple[str, int]) -> dict[str, str]:
    """Settings of a single broker on the loopback interface."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{advertised[0]}:{advertised[1]}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
    }


def _central_answers() -> bool:
    try:
        with urllib.request.urlopen(f"{_CENTRAL}/", timeout=_PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False
