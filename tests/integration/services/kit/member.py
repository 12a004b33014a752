"""A member of a consumer group, to be killed: it writes what it handled, then settles it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from services.kit import messages as m
from services.kit.consumer import Receipt, Route, consume
from services.kit.kafka.bus import open_kafka_bus
from services.kit.settings import BusSettings
from services.kit.topics import CONTROLS


async def live(address: str, group: str, path: Path) -> None:
    settings = BusSettings(
        bootstrap_servers=address, partitions=4, session_timeout_s=4, request_timeout_s=5, fetch_wait_s=0.01
    )
    with path.open("a", buffering=1) as journal:

        async def handle(message: m.Control, receipt: Receipt) -> None:
            about = message.envelope
            journal.write(f"{about.session_id} {about.sequence} {receipt.partition}\n")
            await asyncio.sleep(0.002)
            receipt.settle()

        async with open_kafka_bus(settings) as bus:
            await consume(bus, group, [Route(topic=CONTROLS, handle=handle)])


if __name__ == "__main__":
    asyncio.run(live(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
