"""What every blob store promises, whatever keeps the bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from services.kit.blobs import Blobs
from services.kit.errors import BlobMissing
from services.kit.folder_blobs import open_folder_blobs
from services.kit.retry import retrying
from services.kit.s3_blobs import open_s3_blobs
from tests.servers.s3 import S3Server

pytestmark = pytest.mark.anyio

PIECE = bytes(range(256)) * 4096
LARGE = 20 * PIECE  # 20 MiB, more than any store moves at once


@pytest.fixture(params=["folder", "s3"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    """A store that is empty for this test's tenant."""
    if request.param == "folder":
        async with open_folder_blobs(tmp_path / "blobs") as folder:
            yield folder
        return
    server: S3Server = request.getfixturevalue("s3_server")
    async with open_s3_blobs(
        endpoint=server.endpoint,
        bucket=server.bucket,
        access_key=server.access_key,
        secret_key=server.secret_key,
        region=server.region,
        secure=False,
        timeout_s=60.0,
    ) as bucket:
        yield bucket


@pytest.fixture
def tenant() -> str:
    """A tenant of its own for each test, because they share a bucket."""
    return f"ten_{uuid4().hex}"


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def broken(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    raise RuntimeError("the sender went away")


async def whole(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])


async def test_what_was_put_is_got(blobs: Blobs, tenant: str) -> None:
    await blobs.put(f"{tenant}/clips/0", b"clip", "video/mp4")

    assert await blobs.get(f"{tenant}/clips/0") == b"clip"


async def test_putting_again_replaces_and_changes_the_etag(blobs: Blobs, tenant: str) -> None:
    await blobs.put(f"{tenant}/clips/0", b"clip", "video/mp4")
    before = await blobs.info(f"{tenant}/clips/0")

    await blobs.put(f"{tenant}/clips/0", b"take", "video/mp4")

    after = await blobs.info(f"{tenant}/clips/0")
    assert await blobs.get(f"{tenant}/clips/0") == b"take"
    assert before is not None
    assert after is not None
    assert after.size_bytes == 4
    assert after.etag != before.etag


async def test_an_empty_blob_is_a_blob(blobs: Blobs, tenant: str) -> None:
    await blobs.put(f"{tenant}/empty", b"", "video/mp4")

    info = await blobs.info(f"{tenant}/empty")
    assert info is not None
    assert info.size_bytes == 0
    assert await blobs.get(f"{tenant}/empty") == b""
    assert await whole(blobs.stream(f"{tenant}/empty")) == b""


async def test_a_blob_that_is_not_there_is_missing(blobs: Blobs, tenant: str, tmp_path: Path) -> None:
    key = f"{tenant}/clips/9"

    assert await blobs.info(key) is None
    with pytest.raises(BlobMissing, match="clips/9"):
        await blobs.get(key)
    with pytest.raises(BlobMissing):
        await whole(blobs.stream(key))
    with pytest.raises(BlobMissing):
        await blobs.get_file(key, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_a_stream_of_unknown_length_is_stored_whole(blobs: Blobs, tenant: str) -> None:
    size_bytes = await blobs.put_stream(f"{tenant}/speech", pieces(*[PIECE] * 20), "audio/wav")

    assert size_bytes == len(LARGE)
    assert await blobs.get(f"{tenant}/speech") == LARGE


async def test_a_stream_in_large_and_tiny_pieces_is_stored_whole(blobs: Blobs, tenant: str) -> None:
    await blobs.put_stream(f"{tenant}/speech", pieces(b"a", LARGE, b"", b"b"), "audio/wav")

    assert await blobs.get(f"{tenant}/speech") == b"a" + LARGE + b"b"


async def test_a_stream_of_nothing_is_an_empty_blob(blobs: Blobs, tenant: str) -> None:
    assert await blobs.put_stream(f"{tenant}/speech", pieces(), "audio/wav") == 0
    assert await blobs.get(f"{tenant}/speech") == b""


@pytest.mark.parametrize("num_pieces", [1, 20])
async def test_a_stream_that_breaks_stores_nothing(blobs: Blobs, tenant: str, num_pieces: int) -> None:
    with pytest.raises(RuntimeError, match="went away"):
        await blobs.put_stream(f"{tenant}/speech", broken(*[PIECE] * num_pieces), "audio/wav")

    assert await blobs.info(f"{tenant}/speech") is None


async def test_a_stream_that_breaks_leaves_the_blob_before_it(blobs: Blobs, tenant: str) -> None:
    await blobs.put(f"{tenant}/speech", b"before", "audio/wav")

    with pytest.raises(RuntimeError, match="went away"):
        await blobs.put_stream(f"{tenant}/speech", broken(*[PIECE] * 20), "audio/wav")

    assert await blobs.get(f"{tenant}/speech") == b"before"


async def test_files_go_in_and_come_out_unchanged(blobs: Blobs, tenant: str, tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(LARGE)

    await blobs.put_file(f"{tenant}/video.mp4", tmp_path / "video.mp4", "video/mp4")
    await blobs.get_file(f"{tenant}/video.mp4", tmp_path / "copy.mp4")

    assert (tmp_path / "copy.mp4").read_bytes() == LARGE


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (5, None), (0, 7), (3, 3), (9_000_000, 19_000_001), (len(LARGE), None)]
)
async def test_a_range_is_a_slice(blobs: Blobs, tenant: str, start: int, end: int | None) -> None:
    await blobs.put(f"{tenant}/video.mp4", LARGE, "video/mp4")

    assert await whole(blobs.stream(f"{tenant}/video.mp4", start, end)) == LARGE[start:end]


async def test_deleting_a_prefix_deletes_what_is_below_and_nothing_beside(blobs: Blobs, tenant: str) -> None:
    names = ["per_a/0/clips/0", "per_a/0/clips/1", "per_a/speech", "per_ab/speech", "per_b/speech"]
    for name in names:
        await blobs.put(f"{tenant}/performances/{name}", b"x", "video/mp4")

    num_deleted = await blobs.delete(f"{tenant}/performances/per_a/")

    left = [name for name in names if await blobs.info(f"{tenant}/performances/{name}") is not None]
    assert num_deleted == 3
    assert left == ["per_ab/speech", "per_b/speech"]


async def test_deleting_nothing_is_no_error(blobs: Blobs, tenant: str) -> None:
    assert await blobs.delete(f"{tenant}/performances/") == 0


async def test_more_blobs_than_one_request_takes_are_deleted(blobs: Blobs, tenant: str) -> None:
    await asyncio.gather(*[blobs.put(f"{tenant}/clips/{n}", b"x", "video/mp4") for n in range(230)])

    assert await blobs.delete(f"{tenant}/clips/") == 230
    assert await blobs.delete(f"{tenant}/clips/") == 0


async def test_readers_see_the_blob_before_or_after_never_between(blobs: Blobs, tenant: str) -> None:
    key = f"{tenant}/snapshot"
    states = [bytes([n]) * 200_000 for n in range(8)]
    await blobs.put(key, states[0], "application/octet-stream")

    async def write() -> None:
        for state in states[1:]:
            await blobs.put(key, state, "application/octet-stream")

    async def read() -> list[bytes]:
        # A store may refuse to read what is just being replaced; it must never mix the two.
        return [await retrying(lambda: blobs.get(key)) for _ in range(8)]

    _, *seen = await asyncio.gather(write(), read(), read())

    assert all(state in states for reader in seen for state in reader)


NO_KEYS = (
    "",
    "alone",
    "/root/x",
    "ten_a//x",
    "ten_a/../x",
    "ten_a/./x",
    "ten_a/.hidden",
    "ten_a/x/",
    "ten_a/a b",
    "ten_a/a\\b",
    "ten_a/\x00",
    "ten_a/é",
    "ten_a/" + "x" * 600,
)


@pytest.mark.parametrize("key", NO_KEYS)
async def test_a_text_that_is_no_key_is_refused(blobs: Blobs, key: str) -> None:
    with pytest.raises(ValueError, match="no key of a blob"):
        await blobs.put(key, b"x", "video/mp4")
    with pytest.raises(ValueError, match="no key of a blob"):
        await blobs.get(key)


@pytest.mark.parametrize("prefix", ["", "/", "ten_a", "../", "ten_a/../ten_b/"])
async def test_a_prefix_without_a_whole_tenant_deletes_nothing(blobs: Blobs, prefix: str) -> None:
    with pytest.raises(ValueError, match="no prefix of blobs"):
        await blobs.delete(prefix)
