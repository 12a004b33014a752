"""Relays that are killed while they publish."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Final

import pytest

from services.kit.database.database import Database
from tests.contract.services.kit.database.test_outbox import num_waiting, send
from tests.integration.services.kit.database import relaying

pytestmark = pytest.mark.anyio

_ROOT: Final = Path(__file__).parents[5]
_NUM_MESSAGES: Final = 1500
_NUM_KILLS: Final = 6


async def start(url: str, path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        relaying.__name__,
        url,
        str(path),
        cwd=_ROOT,
        env={"PYTHONPATH": f"{_ROOT}:{_ROOT / 'proto' / 'gen'}"},
    )


async def num_lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


async def test_two_relays_killed_again_and_again_lose_nothing_and_keep_every_keys_order(
    database: Database, postgres_url: str, tmp_path: Path
) -> None:
    chance = random.Random(20261121)
    path = tmp_path / "published"
    for first in range(0, _NUM_MESSAGES, 25):
        await send(database, f"per_{first % 3}", range(first, first + 25))

    relays = [await start(postgres_url, path) for _ in range(2)]
    try:
        for _ in range(_NUM_KILLS):
            before = await num_lines(path)
            async with asyncio.timeout(240):
                while await num_lines(path) < before + chance.randint(1, 200) and await num_waiting(database):
                    await asyncio.sleep(0.01)
            victim = chance.randrange(2)
            relays[victim].kill()
            await relays[victim].wait()
            relays[victim] = await start(postgres_url, path)
        async with asyncio.timeout(240):
            while await num_waiting(database):
                await asyncio.sleep(0.05)
    finally:
        for each in relays:
            each.kill()
            await each.wait()

    lines = [line.split() for line in path.read_text().splitlines()]
    first_seen = list(dict.fromkeys((key, int(sequence)) for key, sequence in lines))
    assert {sequence for _, sequence in first_seen} == set(range(_NUM_MESSAGES))
    for name in {key for key, _ in first_seen}:
        mine = [sequence for key, sequence in first_seen if key == name]
        assert mine == sorted(mine)
