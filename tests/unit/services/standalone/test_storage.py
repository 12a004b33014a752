from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.kit.clock import SystemClock
from services.kit.errors import Fatal
from services.kit.keys import key_id_of
from services.standalone.storage import open_storage


async def _first_key(folder: Path) -> str | None:
    async with open_storage(folder, SystemClock()) as storage:
        return storage.first_key


def test_only_a_new_folder_gives_a_key(tmp_path: Path) -> None:
    key = asyncio.run(_first_key(tmp_path / "new" / "data"))
    assert key is not None
    assert key_id_of(key) is not None
    assert asyncio.run(_first_key(tmp_path / "new" / "data")) is None


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    async def open_twice() -> None:
        async with open_storage(tmp_path, SystemClock()):
            with pytest.raises(Fatal, match="in use by another dramatis serve"):
                await _first_key(tmp_path)

    asyncio.run(open_twice())


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(Fatal, match=r"data folder .* cannot be used: file exists"):
        asyncio.run(_first_key(tmp_path / "data"))


def test_what_a_killed_process_left_in_the_workspace_is_gone(tmp_path: Path) -> None:
    (tmp_path / "workspace" / "video-abc").mkdir(parents=True)

    async def look() -> list[Path]:
        async with open_storage(tmp_path, SystemClock()) as storage:
            return list(storage.workspace.iterdir())

    assert asyncio.run(look()) == []
