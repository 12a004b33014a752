from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from services.kit.errors import BlobMissing, Fatal
from services.standalone.local_blobs import LocalBlobs

KEY = "local/performances/p/speech"


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs", "output a.mp4")


def test_a_lent_file_is_a_blob_without_being_copied(blobs: LocalBlobs, tmp_path: Path) -> None:
    (tmp_path / "speech.wav").write_bytes(b"sound")
    blobs.lend(KEY, tmp_path / "speech.wav")
    asyncio.run(blobs.get_file(KEY, tmp_path / "fetched"))
    assert asyncio.run(blobs.get(KEY)) == b"sound"
    assert (tmp_path / "fetched").samefile(tmp_path / "speech.wav")
    info = asyncio.run(blobs.info(KEY))
    assert info is not None
    assert info.size_bytes == 5


def test_deleting_a_lent_file_leaves_the_users(blobs: LocalBlobs, tmp_path: Path) -> None:
    (tmp_path / "speech.wav").write_bytes(b"sound")
    blobs.lend(KEY, tmp_path / "speech.wav")
    asyncio.run(blobs.delete("local/performances/"))
    assert asyncio.run(blobs.info(KEY)) is None
    assert (tmp_path / "speech.wav").read_bytes() == b"sound"


def test_a_stored_file_is_linked_and_outlives_its_first_name(blobs: LocalBlobs, tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"video")
    asyncio.run(blobs.put_file("local/v", tmp_path / "video.mp4", "video/mp4"))
    assert blobs.path("local/v").samefile(tmp_path / "video.mp4")
    (tmp_path / "video.mp4").unlink()
    assert asyncio.run(blobs.get("local/v")) == b"video"


def test_a_file_is_stored_again_in_place_of_the_first(blobs: LocalBlobs, tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        path = tmp_path / content.decode()
        path.write_bytes(content)
        asyncio.run(blobs.put_file("local/v", path, "video/mp4"))
    assert asyncio.run(blobs.get("local/v")) == b"second"


@pytest.mark.parametrize(
    "ask",
    [lambda blobs, path: blobs.get("local/none"), lambda blobs, path: blobs.get_file("local/none", path)],
)
def test_a_blob_that_is_not_there_is_missing(
    ask: Callable[[LocalBlobs, Path], Coroutine[Any, Any, object]], blobs: LocalBlobs, tmp_path: Path
) -> None:
    with pytest.raises(BlobMissing):
        asyncio.run(ask(blobs, tmp_path / "fetched"))


def test_a_full_disk_ends_the_command_with_its_reason(blobs: LocalBlobs) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(Fatal, match=r"output a\.mp4 cannot be completed: file too large"):
            asyncio.run(blobs.put("local/v", bytes(5000), "video/mp4"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
