"""The stitching process."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from services.kit.adapters import open_blobs, open_bus
from services.kit.consumer import consume
from services.kit.runtime import Runtime, run
from services.stitching.handler import routes
from services.stitching.settings import Settings

__all__ = ["main", "serve"]


def main() -> None:
    """Run until told to end."""
    run("stitching", Settings, serve)


async def serve(settings: Settings, runtime: Runtime) -> None:
    """Stitch what comes from the bus."""
    bus = await runtime.enter(open_bus(settings.bus))
    blobs = await runtime.enter(open_blobs(settings.blobs))
    with TemporaryDirectory(
        dir=settings.workspace, prefix="dramatis-stitching-", ignore_cleanup_errors=True
    ) as workspace:
        handlers = routes(bus, blobs, runtime.clock, Path(workspace))
        runtime.ready()
        await consume(bus, "stitching", handlers, telemetry=runtime.telemetry)


if __name__ == "__main__":
    main()
