"""The generation service."""

from __future__ import annotations

import asyncio

from services.generation.handler import open_generation, routes
from services.generation.loading import engines_of, set_engine_threads
from services.generation.rig import warm_up
from services.generation.session import Limits
from services.generation.settings import Settings
from services.kit.adapters import open_blobs, open_bus
from services.kit.consumer import consume
from services.kit.runtime import Runtime, run

__all__ = ["main", "serve"]


async def serve(settings: Settings, runtime: Runtime) -> None:
    """Answer cues with chunks until cancelled."""
    set_engine_threads(settings.engine_threads)
    await asyncio.to_thread(warm_up)
    bus = await runtime.enter(open_bus(settings.bus))
    blobs = await runtime.enter(open_blobs(settings.blobs))
    async with open_generation(
        bus=bus,
        blobs=blobs,
        clock=runtime.clock,
        engines=engines_of(settings),
        slots=settings.slots,
        telemetry=runtime.telemetry,
        limits=Limits(patience_s=settings.patience_s),
        threads=settings.picture_threads,
    ) as generation:
        await generation.warm_up()
        runtime.ready()
        await consume(bus, "generation", routes(generation), telemetry=runtime.telemetry)


def main() -> None:
    """Run the service until it is asked to end."""
    run("generation", Settings, serve)


if __name__ == "__main__":
    main()
