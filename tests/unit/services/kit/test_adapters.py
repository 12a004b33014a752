from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from services.kit.adapters import open_blobs, open_bus, open_database
from services.kit.errors import Fatal
from services.kit.memory_bus import MemoryBus
from services.kit.settings import BlobSettings, BusSettings, DatabaseSettings


def test_without_servers_the_bus_stays_in_the_process() -> None:
    async def scenario() -> bool:
        async with open_bus(BusSettings()) as bus:
            return isinstance(bus, MemoryBus)

    assert asyncio.run(scenario())


def test_a_folder_holds_blobs(tmp_path: Path) -> None:
    async def scenario() -> bytes:
        async with open_blobs(BlobSettings(folder=tmp_path)) as blobs:
            await blobs.put("ten_a/x", b"data", "text/plain")
            return await blobs.get("ten_a/x")

    assert asyncio.run(scenario()) == b"data"


def test_without_a_place_for_blobs_a_service_does_not_start() -> None:
    async def scenario() -> None:
        async with open_blobs(BlobSettings()):
            pass

    with pytest.raises(Fatal, match="BLOBS__FOLDER or BLOBS__ENDPOINT is needed"):
        asyncio.run(scenario())


def test_a_database_is_opened_at_its_address(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = DatabaseSettings.model_validate({"url": f"sqlite+aiosqlite:///{tmp_path / 'x.db'}"})
        async with open_database(settings) as database, database.begin() as session:
            await session.execute(text("create table t (x)"))

    asyncio.run(scenario())
    assert (tmp_path / "x.db").exists()
