"""An S3 server that is away, silent or slow."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from services.kit.errors import Unavailable
from services.kit.s3_blobs import S3Blobs, open_s3_blobs
from tests.servers.proxy import Proxy, open_proxy
from tests.servers.s3 import S3Server

pytestmark = pytest.mark.anyio

KEY = "ten_a/performances/per_a/speech"
PART = bytes(1 << 20)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop of asynchronous tests and fixtures."""
    return "asyncio"


@pytest.fixture
async def wire(s3_server: S3Server) -> AsyncIterator[Proxy]:
    """What stands between the server and its clients."""
    host, port = s3_server.endpoint.split(":")
    with open_proxy() as proxy:
        proxy.forward(host, int(port))
        yield proxy


@pytest.fixture
async def blobs(s3_server: S3Server, wire: Proxy) -> AsyncIterator[S3Blobs]:
    """A store over the wire, in a bucket that nobody made."""
    async with open_s3_blobs(
        endpoint=wire.address,
        bucket=f"test-{uuid4().hex[:12]}",
        access_key=s3_server.access_key,
        secret_key=s3_server.secret_key,
        region=s3_server.region,
        secure=False,
        timeout_s=60.0,
    ) as opened:
        yield opened


async def test_a_missing_bucket_is_made(blobs: S3Blobs) -> None:
    await blobs.put(KEY, b"speech", "audio/wav")

    assert await blobs.get(KEY) == b"speech"


async def test_several_services_may_make_the_bucket_at_once(s3_server: S3Server) -> None:
    bucket = f"test-{uuid4().hex[:12]}"

    async def start() -> None:
        async with open_s3_blobs(
            endpoint=s3_server.endpoint,
            bucket=bucket,
            access_key=s3_server.access_key,
            secret_key=s3_server.secret_key,
            secure=False,
            timeout_s=60.0,
        ) as opened:
            await opened.put(f"ten_a/{uuid4().hex}", b"x", "audio/wav")

    await asyncio.gather(*[start() for _ in range(4)])


async def test_a_server_that_is_away_is_unavailable_and_works_when_it_is_back(
    blobs: S3Blobs, wire: Proxy, tmp_path: Path
) -> None:
    await blobs.put(KEY, b"speech", "audio/wav")

    wire.cut()
    for call in (
        lambda: blobs.put(KEY, b"other", "audio/wav"),
        lambda: blobs.get(KEY),
        lambda: blobs.info(KEY),
        lambda: blobs.delete("ten_a/"),
        lambda: blobs.get_file(KEY, tmp_path / "speech"),
    ):
        with pytest.raises(Unavailable):
            await call()
    wire.restore()

    assert await blobs.get(KEY) == b"speech"


async def test_an_upload_that_is_cut_off_leaves_the_blob_before_it(blobs: S3Blobs, wire: Proxy) -> None:
    await blobs.put(KEY, b"before", "audio/wav")

    async def parts() -> AsyncIterator[bytes]:
        for number in range(20):
            if number == 12:
                wire.cut()
            yield PART

    with pytest.raises(Unavailable):
        await blobs.put_stream(KEY, parts(), "audio/wav")
    wire.restore()

    assert await blobs.get(KEY) == b"before"


async def test_a_server_that_never_answers_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        opening = open_s3_blobs(
            endpoint=endpoint, bucket="test", access_key="a", secret_key="b", secure=False, timeout_s=0.3
        )
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable, match="does not answer"):
                await opening.__aenter__()


async def test_many_slow_senders_do_not_hold_up_others(blobs: S3Blobs) -> None:
    done = asyncio.Event()
    num_begun = 0

    async def slow() -> AsyncIterator[bytes]:
        nonlocal num_begun
        num_begun += 1
        yield PART
        await done.wait()
        yield PART

    uploads = [
        asyncio.create_task(blobs.put_stream(f"ten_a/slow/{n}", slow(), "audio/wav")) for n in range(40)
    ]
    async with asyncio.timeout(180):
        while num_begun < 40:
            await asyncio.sleep(0.01)
        await blobs.put("ten_a/quick", b"x", "audio/wav")
        assert await blobs.get("ten_a/quick") == b"x"
    done.set()

    assert await asyncio.gather(*uploads) == [2 * len(PART)] * 40


async def test_wrong_credentials_are_unavailable_with_the_servers_reason(s3_server: S3Server) -> None:
    opening = open_s3_blobs(
        endpoint=s3_server.endpoint,
        bucket=s3_server.bucket,
        access_key=s3_server.access_key,
        secret_key="wrong",
        region=s3_server.region,
        secure=False,
        timeout_s=60.0,
    )

    with pytest.raises(Unavailable, match=r"AccessDenied|SignatureDoesNotMatch"):
        await opening.__aenter__()
