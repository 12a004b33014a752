"""A whole cluster with a client: services as processes on real servers, behind wires that can be cut."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import asyncpg

from tests.servers.client import Client, open_client
from tests.servers.cluster import ROOT, Backends, Cluster, dramatis, open_cluster
from tests.servers.kafka import open_cuttable_kafka
from tests.servers.postgres import open_database, open_postgres
from tests.servers.proxy import Proxy, open_proxy
from tests.servers.redis import open_redis
from tests.servers.s3 import S3Server, open_s3

PORTRAIT: Final = ROOT / "examples" / "portrait.jpg"
SPEECH: Final = ROOT / "examples" / "speech.wav"
# What dies is noticed by the services themselves; only what the broker forgot waits for the sweep.
_SETTINGS: Final = {
    "GATEWAY_ADMISSION__CONCURRENCY": "16",
    "GATEWAY_ADMISSION__MAX_RUNNING": "16",
    "GATEWAY_ADMISSION__REQUESTS_PER_MINUTE": "100000",
    "GATEWAY_DATABASE__TIMEOUT_S": "60",
    "WORKER_SWEEP__STALL_TIMEOUT_S": "240",
}
_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRow:
    """What the database knows of a clip."""

    epoch: int
    sequence: int
    first_frame: int
    num_frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A cluster, a tenant's client, and what it stands on; the wires lead to broker, database and objects."""

    folder: Path
    cluster: Cluster
    client: Client
    key: str
    backends: Backends
    wires: Mapping[str, Proxy]
    _direct_url: str

    def clips(self, performance_id: str) -> list[ClipRow]:
        """The ledger of a performance's clips, of every attempt, in order."""
        query = (
            "SELECT epoch, sequence, first_frame, num_frames FROM clips WHERE performance_id = $1 "
            "ORDER BY epoch, sequence"
        )
        rows = asyncio.run(_fetch(self._direct_url, query, performance_id))
        return [ClipRow(epoch=a, sequence=b, first_frame=c, num_frames=d) for a, b, c, d in rows]


@contextmanager
def open_stage(folder: Path, *, more: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """Everything of its own, except a PostgreSQL server that the machine already runs; ready to serve."""
    with ExitStack() as stack:
        s3 = stack.enter_context(open_s3(folder))
        with open_stage_on(folder, s3, more=more) as stage:
            yield stage


@contextmanager
def open_stage_on(folder: Path, s3: S3Server, *, more: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """The same on an object store that runs already."""
    with ExitStack() as stack:
        broker = stack.enter_context(open_cuttable_kafka(folder))
        host, port = stack.enter_context(open_postgres(folder))
        direct_url = stack.enter_context(open_database(host, port))
        database = stack.enter_context(open_proxy())
        database.forward(host, port)
        objects = stack.enter_context(open_proxy())
        objects.forward(*_split(s3.endpoint))
        redis_host, redis_port = stack.enter_context(open_redis(folder))
        backends = Backends(
            kafka=broker.address,
            database_url=direct_url.replace(f"{host}:{port}", database.address),
            redis_url=f"redis://{redis_host}:{redis_port}/0",
            s3=replace(s3, endpoint=objects.address),
        )
        # One thread inside each numeric call: the services share the cores.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        settings = {**_SETTINGS, **(more or {})}
        cluster = stack.enter_context(open_cluster(folder, backends, more=settings))
        key = dramatis(backends, "keys", "create", "--tenant", "chaos").strip()
        cluster.wait_ready()
        client = stack.enter_context(open_client(cluster.api_url, key))
        yield Stage(
            folder=folder,
            cluster=cluster,
            client=client,
            key=key,
            backends=backends,
            wires={"broker": broker, "database": database, "objects": objects},
            _direct_url=direct_url,
        )


async def _fetch(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=_TIMEOUT_S)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(query, *arguments, timeout=_TIMEOUT_S)
        return rows
    finally:
        await connection.close()


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
