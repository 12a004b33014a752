"""A Kafka broker: the one that is named, else Apache Kafka where it can be had, else Tansu."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.servers.apache_kafka import can_run_container, open_apache_kafka, open_container
from tests.servers.apache_kafka import fetch as fetch_apache_kafka
from tests.servers.processes import LOOPBACK, ServerError
from tests.servers.proxy import Proxy, open_proxy
from tests.servers.tansu import open_tansu

NAMED: Final = "KAFKA_BOOTSTRAP_SERVERS"
CHOICE: Final = "DRAMATIS_TEST_BROKER"


@contextmanager
def open_kafka(folder: Path) -> Iterator[str]:
    """Bootstrap servers: those of KAFKA_BOOTSTRAP_SERVERS, else a broker of our own."""
    named = os.environ.get(NAMED, "")
    if named:
        yield named
        return
    with open_cuttable_kafka(folder) as proxy:
        yield proxy.address


@contextmanager
def open_cuttable_kafka(folder: Path) -> Iterator[Proxy]:
    """A broker of our own that clients reach only through the proxy, because it advertises that.

    DRAMATIS_TEST_BROKER=apache, docker or tansu says which; without it the first that can be had.
    """
    with ExitStack() as stack:
        proxy = stack.enter_context(open_proxy())
        kind = os.environ.get(CHOICE) or _first_available()
        if kind == "apache":
            jars = fetch_apache_kafka()
            port = stack.enter_context(open_apache_kafka(folder, jars, advertised=(proxy.host, proxy.port)))
        elif kind == "docker":
            port = stack.enter_context(open_container(folder, advertised=(proxy.host, proxy.port)))
        elif kind == "tansu":
            port = stack.enter_context(open_tansu(folder, advertised=(proxy.host, proxy.port)))
        else:
            raise ServerError(f"{CHOICE}={kind}, expected apache, docker or tansu")
        proxy.forward(LOOPBACK, port)
        yield proxy


def _first_available() -> str:
    if shutil.which("java") and shutil.which("mvn"):
        try:
            fetch_apache_kafka()
        except ServerError:
            pass
        else:
            return "apache"
    return "docker" if can_run_container() else "tansu"
