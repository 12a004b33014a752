"""What only the folder does; the rest is in the contract of all stores."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kit.errors import Unavailable
from services.kit.folder_blobs import FolderBlobs, open_folder_blobs


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def fail(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def parts() -> AsyncIterator[bytes]:
    yield b"half"
    yield b"whole"


def test_a_blob_is_the_file_its_key_spells(tmp_path: Path) -> None:
    asyncio.run(FolderBlobs(tmp_path).put("ten_a/performances/per_a/0/video.mp4", b"video", "video/mp4"))

    assert files_in(tmp_path) == ["ten_a/performances/per_a/0/video.mp4"]


def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path, force=fail)

    with pytest.raises(Unavailable, match="No space left"):
        asyncio.run(blobs.put("ten_a/clip", b"x", "video/mp4"))
    with pytest.raises(Unavailable, match="No space left"):
        asyncio.run(blobs.put_stream("ten_a/clip", parts(), "video/mp4"))

    assert files_in(tmp_path) == []


def test_a_cancelled_upload_leaves_nothing(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    begun = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"half"
        begun.set()
        await asyncio.Event().wait()

    async def main() -> None:
        upload = asyncio.create_task(blobs.put_stream("ten_a/speech", slow(), "audio/wav"))
        await begun.wait()
        assert len(files_in(tmp_path)) == 1
        upload.cancel()
        await asyncio.wait({upload})

    asyncio.run(main())

    assert files_in(tmp_path) == []


def test_a_key_below_another_blob_is_refused(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    asyncio.run(blobs.put("ten_a/speech", b"x", "audio/wav"))

    with pytest.raises(ValueError, match="below another blob"):
        asyncio.run(blobs.put("ten_a/speech/part", b"x", "audio/wav"))


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    async def main() -> None:
        async with open_folder_blobs(Path("/proc/nowhere")):
            pass

    with pytest.raises(Unavailable):
        asyncio.run(main())


def test_opening_sweeps_out_what_a_crash_left_long_ago(tmp_path: Path) -> None:
    inbox = tmp_path / ".incoming"
    inbox.mkdir()
    (inbox / "old").write_bytes(b"half")
    (inbox / "new").write_bytes(b"half")
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(inbox / "old", (long_ago, long_ago))

    async def main() -> None:
        async with open_folder_blobs(tmp_path):
            pass

    asyncio.run(main())

    assert files_in(tmp_path) == [".incoming/new"]


def test_opening_passes_over_what_others_took_away_meanwhile(tmp_path: Path) -> None:
    inbox = tmp_path / ".incoming"
    inbox.mkdir()
    # As a file that is gone between being listed and being looked at.
    (inbox / "gone").symlink_to(inbox / "nothing")

    async def main() -> None:
        async with open_folder_blobs(tmp_path) as blobs:
            await blobs.put("ten_a/clip", b"x", "video/mp4")

    asyncio.run(main())

    assert files_in(tmp_path) == ["ten_a/clip"]


def test_deleting_a_tenant_leaves_no_empty_folder(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    asyncio.run(blobs.put("ten_a/performances/per_a/0/clips/000000", b"x", "video/mp4"))

    assert asyncio.run(blobs.delete("ten_a/")) == 1

    assert [path.name for path in tmp_path.iterdir()] == [".incoming"]


def test_writers_and_deletions_of_one_place_do_not_trip_over_each_other(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)

    async def write(name: int) -> None:
        for _ in range(20):
            await blobs.put(f"ten_a/clips/{name}", b"x", "video/mp4")

    async def delete() -> None:
        for _ in range(40):
            await blobs.delete("ten_a/clips/")

    async def main() -> None:
        await asyncio.gather(write(0), write(1), delete(), delete())
        await blobs.put("ten_a/clips/last", b"x", "video/mp4")

    asyncio.run(main())

    assert asyncio.run(blobs.get("ten_a/clips/last")) == b"x"
