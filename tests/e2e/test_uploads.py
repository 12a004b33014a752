"""Uploads that are too large, too slow or not what they claim, over real sockets into a real process."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from services.kit.clock import SystemClock
from services.kit.database import schema
from services.kit.database.database import open_database
from tests.api.media import JPEG
from tests.api.platform import add_tenant, sqlite_url

pytestmark = pytest.mark.anyio

ROOT: Final = Path(__file__).parents[2]
MIB: Final = 1 << 20
PORTRAIT_LIMIT: Final = 20 * MIB
CONSENT: Final = json.dumps({"kind": "self", "granted_by": "Ada", "granted_at": "2026-01-31T12:00:00Z"})
FIELDS: Final = (
    b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n'
    b'--b\r\nContent-Disposition: form-data; name="consent"\r\n\r\n' + CONSENT.encode() + b"\r\n"
    b'--b\r\nContent-Disposition: form-data; name="portrait"; filename="ada.jpg"\r\n\r\n'
)
END: Final = b"\r\n--b--\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway process."""

    port: int
    pid: int
    token: str
    folder: Path

    @property
    def head(self) -> bytes:
        return (
            f"POST /v1/characters HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {self.token}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
        ).encode()

    def peak_bytes(self) -> int:
        """The most memory the process has had so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(each for each in status.splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway process."""
    async with running(tmp_path) as opened:
        yield opened


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway process that waits two seconds for a chunk, and four for a body."""
    limits = {"GATEWAY_BODIES__CHUNK_TIMEOUT_S": "2", "GATEWAY_BODIES__TOTAL_TIMEOUT_S": "4"}
    async with running(tmp_path, **limits) as opened:
        yield opened


@asynccontextmanager
async def running(tmp_path: Path, **settings: str) -> AsyncIterator[Gateway]:
    url = sqlite_url(tmp_path)
    await schema.upgrade(url)
    async with open_database(url) as database:
        token = await add_tenant(database, SystemClock(), "ours")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'proto' / 'gen'}",
        "GATEWAY_DATABASE__URL": url,
        "GATEWAY_BLOBS__FOLDER": str(tmp_path / "blobs"),
        "GATEWAY_BODIES__FOLDER": str(tmp_path),
        "GATEWAY_API__PORT": "0",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.gateway.main", env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        while True:
            event = json.loads(await process.stderr.readline())
            if event["event"] == "api.listening":
                break
        yield Gateway(port=event["port"], pid=process.pid, token=token, folder=tmp_path)
    finally:
        process.terminate()
        await process.communicate()


async def connect(gateway: Gateway) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", gateway.port)


async def answer_of(reader: asyncio.StreamReader, begun: bytes = b"") -> tuple[int, dict[str, str]]:
    """Status and problem of the answer, which has `begun`; returns when the server has closed."""
    async with asyncio.timeout(120):
        head, _, body = (begun + await reader.read()).partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    problem: dict[str, str] = json.loads(body)
    assert problem["request_id"].encode() in head
    return int(head.split()[1]), problem


async def test_an_announced_upload_of_2_gb_is_refused_before_it_is_sent(gateway: Gateway) -> None:
    reader, writer = await connect(gateway)

    writer.write(gateway.head + f"Content-Length: {2 << 30}\r\n\r\n".encode() + FIELDS)
    status, problem = await answer_of(reader)

    writer.close()
    assert (status, problem["code"]) == (413, "payload_too_large")


async def test_an_endless_upload_is_refused_at_the_limit_in_bounded_memory(gateway: Gateway) -> None:
    before = gateway.peak_bytes()
    reader, writer = await connect(gateway)
    writer.write(gateway.head + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = bytes(MIB)
    num_sent = 0
    try:
        writer.write(b"%x\r\n%s\r\n" % (len(FIELDS), FIELDS))
        while num_sent < 2 << 30 and not reader.at_eof():
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await asyncio.wait_for(writer.drain(), 120)
            num_sent += len(chunk)
    except (ConnectionError, TimeoutError):
        pass  # the server has closed the connection
    writer.close()

    grown = gateway.peak_bytes() - before
    assert num_sent < 2 << 30
    assert grown < 32 * MIB, f"the process grew by {grown / MIB:.0f} MiB"
    assert not list(gateway.folder.rglob("upload*"))


async def test_a_body_that_drips_is_given_up(hasty: Gateway) -> None:
    reader, writer = await connect(hasty)
    writer.write(hasty.head + b"Content-Length: 100000\r\n\r\n" + FIELDS)
    begun = asyncio.create_task(reader.read(1))
    while not begun.done():
        writer.write(b".")
        await asyncio.sleep(0.5)

    # What comes in the very moment in which the server closes would reset the connection, answer and all.
    status, problem = await answer_of(reader, await begun)

    writer.close()
    assert (status, problem["code"]) == (408, "request_timeout")


async def test_a_body_that_stops_is_given_up(hasty: Gateway) -> None:
    reader, writer = await connect(hasty)

    writer.write(hasty.head + b"Content-Length: 100000\r\n\r\n" + FIELDS)
    status, problem = await answer_of(reader)

    writer.close()
    assert (status, problem["code"]) == (408, "request_timeout")


async def test_headers_that_drip_are_given_up(gateway: Gateway) -> None:
    reader, writer = await connect(gateway)
    writer.write(b"GET /healthz HTTP/1.1\r\n")

    async with asyncio.timeout(120):
        rest = await reader.read()

    writer.close()
    assert rest == b""


async def test_a_stranger_learns_that_he_is_one_before_his_upload_is_read(gateway: Gateway) -> None:
    reader, writer = await connect(gateway)
    head = gateway.head.replace(gateway.token.encode(), b"dk_nobody")

    writer.write(head + f"Content-Length: {10 * MIB}\r\n\r\n".encode() + FIELDS)
    status, problem = await answer_of(reader)

    writer.close()
    assert (status, problem["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("kind", ["bomb", "gigapixel"])
async def test_a_picture_that_would_burst_is_stored_unopened(gateway: Gateway, kind: str) -> None:
    before = gateway.peak_bytes()
    side = 32_768
    rows = zlib.compress(bytes(64 * MIB) if kind == "bomb" else bytes(side), 9)
    picture = (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0))
        + _png_chunk(b"IDAT", rows)
        + _png_chunk(b"IEND", b"")
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.port}", timeout=120) as client:
        answer = await client.post(
            "/v1/characters",
            data={"name": "Ada", "consent": CONSENT},
            files={"portrait": ("ada.png", picture, "image/png")},
            headers={"Authorization": f"Bearer {gateway.token}"},
        )

    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "pending"
    assert gateway.peak_bytes() - before < 32 * MIB


async def test_a_file_at_the_limit_is_taken_and_one_byte_more_is_not(gateway: Gateway) -> None:
    statuses = []
    for size in (PORTRAIT_LIMIT, PORTRAIT_LIMIT + 1):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.port}", timeout=120) as client:
            answer = await client.post(
                "/v1/characters",
                data={"name": "Ada", "consent": CONSENT},
                files={"portrait": ("ada.jpg", JPEG.ljust(size, b"\0"), "image/jpeg")},
                headers={"Authorization": f"Bearer {gateway.token}"},
            )
            statuses.append(answer.status_code)

    assert statuses == [202, 413]
    assert not list(gateway.folder.rglob("upload*"))


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
