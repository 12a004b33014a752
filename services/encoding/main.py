"""The encoding service."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from services.encoding.handler import open_encoding, routes
from services.encoding.session import Limits
from services.encoding.settings import Settings
from services.encoding.workshop import warm_up
from services.kit.adapters import open_blobs, open_bus
from services.kit.consumer import consume
from services.kit.runtime import Runtime, run

__all__ = ["main", "serve"]


async def serve(settings: Settings, runtime: Runtime) -> None:
    """Answer verdicts with identities and segments with cues until cancelled."""
    bus = await runtime.enter(open_bus(settings.bus))
    blobs = await runtime.enter(open_blobs(settings.blobs))
    limits = Limits(patience_s=settings.patience_s)
    with ThreadPoolExecutor(settings.threads, "encoding") as pool:
        await asyncio.get_running_loop().run_in_executor(pool, warm_up)
        async with open_encoding(
            bus=bus,
            blobs=blobs,
            clock=runtime.clock,
            pool=pool,
            telemetry=runtime.telemetry,
            limits=limits,
        ) as encoding:
            runtime.ready()
            await consume(bus, "encoding", routes(encoding), telemetry=runtime.telemetry)


def main() -> None:
    """Run the service until it is asked to end."""
    run("encoding", Settings, serve)


if __name__ == "__main__":
    main()
