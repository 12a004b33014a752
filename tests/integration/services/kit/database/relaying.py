"""A process that relays an outbox into a file, to be killed: `relaying URL FILE`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from services.kit.bus import OnRevoked, Outgoing
from services.kit.database.database import open_database
from services.kit.database.outbox import relay
from services.kit.topics import CONTROLS


class FileBus:
    """Takes a record by writing its key and sequence to a line."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            sequence = CONTROLS.decode(record.value).envelope.sequence
            os.write(self._file, f"{record.key} {sequence}\n".encode())
            await asyncio.sleep(0.001)

    def subscribe(self, topics: Iterable[str], group: str, on_revoked: OnRevoked) -> NoReturn:
        raise NotImplementedError


async def main(url: str, path: Path) -> None:
    async with open_database(url) as database:
        await relay(database, FileBus(path))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
