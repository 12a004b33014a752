"""The moderation process."""

from __future__ import annotations

import asyncio

from services.kit.adapters import open_blobs, open_bus
from services.kit.consumer import consume
from services.kit.runtime import Runtime, run
from services.moderation.handler import Moderation, routes
from services.moderation.judges import load_judges
from services.moderation.settings import Settings

__all__ = ["main", "serve"]


def main() -> None:
    """Run until told to end."""
    run("moderation", Settings, serve)


async def serve(settings: Settings, runtime: Runtime) -> None:
    """Judge what comes from the bus."""
    bus = await runtime.enter(open_bus(settings.bus))
    blobs = await runtime.enter(open_blobs(settings.blobs))
    judges = await asyncio.to_thread(load_judges, settings.judges)
    moderation = Moderation(bus=bus, blobs=blobs, clock=runtime.clock, judges=judges)
    runtime.ready()
    await consume(bus, "moderation", routes(moderation), telemetry=runtime.telemetry)


if __name__ == "__main__":
    main()
