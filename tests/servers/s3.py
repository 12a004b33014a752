"""S3: a Ceph RADOS Gateway on one monitor and one object store daemon, in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import uuid4

from minio import Minio

from tests.servers.processes import (
    LOOPBACK,
    accepts,
    call,
    free_port,
    require,
    running,
)

_PACKAGES: Final = "radosgw ceph-mon ceph-osd ceph-common"
_DISK_BYTES: Final = 16 << 30
_START_TIMEOUT_S: Final = 240.0

# `auth supported`, the `ms * mode` lines and --no-mon-config belong together: without them radosgw is not let
# in by the monitor (-13). The grace is long, because a busy machine is no reason to declare the daemon dead.
_CONF: Final = """\
[global]
fsid = {fsid}
mon host = {monitor}
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
auth supported = none
ms mon client mode = crc
ms client mode = crc
ms cluster mode = crc
ms service mode = crc
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd heartbeat grace = 600
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 1
mon osd report timeout = 3600
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
log file = {folder}/log/$name.log
pid file = {folder}/run/$name.pid
[mon.a]
host = localhost
mon data = {folder}/mon
public addrv = {monitor}
[osd.0]
osd data = {folder}/osd
osd objectstore = bluestore
bluestore block size = {disk_bytes}
bluestore fsck on mount = false
osd memory target = 939524096
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw dns name = localhost
rgw thread pool size = 64
debug rgw = 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """An S3 server over plain HTTP, and a bucket that is there."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str
    region: str = "us-east-1"

    def client(self) -> Minio:
        """A client of it."""
        return Minio(
            endpoint=self.endpoint,
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=False,
            region=self.region,
        )


@contextmanager
def open_s3(folder: Path) -> Iterator[S3Server]:
    """A server whose data lies below `folder`; about 15 s, and two more for its first bucket."""
    require(_PACKAGES, "ceph-mon", "ceph-osd", "ceph", "monmaptool", "radosgw", "radosgw-admin")
    root = folder / "ceph"
    for name in ("mon", "osd", "rgw", "run", "log"):
        (root / name).mkdir(parents=True)
    port = free_port()
    fsid = str(uuid4())
    monitor = f"[v2:{LOOPBACK}:{free_port()},v1:{LOOPBACK}:{free_port()}]"
    conf = root / "ceph.conf"
    conf.write_text(
        _CONF.format(fsid=fsid, monitor=monitor, folder=root, port=port, disk_bytes=_DISK_BYTES),
        encoding="utf-8",
    )
    with ExitStack() as stack:
        stack.enter_context(_monitor(root, conf, fsid, monitor))
        stack.enter_context(_store(root, conf))
        stack.enter_context(_gateway(root, conf, port))
        yield _with_user(conf, f"{LOOPBACK}:{port}")


def add_bucket(server: S3Server) -> S3Server:
    """The same server with another bucket, a new one."""
    bucket = f"test-{uuid4().hex[:12]}"
    server.client().make_bucket(bucket_name=bucket)
    return replace(server, bucket=bucket)


@contextmanager
def _monitor(root: Path, conf: Path, fsid: str, monitor: str) -> Iterator[None]:
    monmap = root / "monmap"
    call(["monmaptool", "--create", "--addv", "a", monitor, "--fsid", fsid, monmap])
    name: list[str | Path] = ["ceph-mon", "-c", conf, "-i", "a", "--mon-data", root / "mon"]
    call([*name, "--mkfs", "--monmap", monmap])
    port = int(monitor.split(":")[2].split(",")[0])
    with running([*name, "-f"], root / "log" / "mon.out", lambda: accepts(port), timeout_s=_START_TIMEOUT_S):
        yield


@contextmanager
def _store(root: Path, conf: Path) -> Iterator[None]:
    # The daemon must be made with the very uuid it was announced with.
    uuid = str(uuid4())
    call(["ceph", "-c", conf, "osd", "new", uuid])
    name: list[str | Path] = ["ceph-osd", "-c", conf, "-i", "0", "--osd-data", root / "osd"]
    name += ["--osd-objectstore", "bluestore"]
    call([*name, "--mkfs", "--osd-uuid", uuid])
    up = lambda: json.loads(call(["ceph", "-c", conf, "osd", "stat", "-f", "json"]))["num_up_osds"] == 1  # noqa: E731
    with running([*name, "-f"], root / "log" / "osd.out", up, timeout_s=_START_TIMEOUT_S):
        call(["ceph", "-c", conf, "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost"])
        yield


@contextmanager
def _gateway(root: Path, conf: Path, port: int) -> Iterator[None]:
    command: list[str | Path] = [
        "radosgw",
        "-c",
        conf,
        "-n",
        "client.rgw.a",
        "--rgw-data",
        root / "rgw",
        "--no-mon-config",
        "-f",
    ]
    with running(command, root / "log" / "rgw.out", lambda: accepts(port), timeout_s=_START_TIMEOUT_S):
        yield


def _with_user(conf: Path, endpoint: str) -> S3Server:
    names = ["--uid", "test", "--display-name", "test"]
    said = call(["radosgw-admin", "-c", conf, "--no-mon-config", "user", "create", *names])
    key = json.loads(said)["keys"][0]
    server = S3Server(
        endpoint=endpoint, access_key=key["access_key"], secret_key=key["secret_key"], bucket=""
    )
    return add_bucket(server)
