"""The ingestion process."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from services.ingestion.handler import open_ingestion, routes
from services.ingestion.settings import Settings
from services.ingestion.voices import choose_voice
from services.kit.adapters import open_blobs, open_bus
from services.kit.consumer import consume
from services.kit.egress import Egress
from services.kit.runtime import Runtime, run

__all__ = ["main", "serve"]


def main() -> None:
    """Run until told to end."""
    run("ingestion", Settings, serve)


async def serve(settings: Settings, runtime: Runtime) -> None:
    """Ingest what comes from the bus."""
    bus = await runtime.enter(open_bus(settings.bus))
    blobs = await runtime.enter(open_blobs(settings.blobs))
    egress, voice = Egress(settings.egress), choose_voice(settings.voice)
    limits = settings.limits.limits()
    with TemporaryDirectory(
        dir=settings.workspace, prefix="dramatis-ingestion-", ignore_cleanup_errors=True
    ) as workspace:
        async with open_ingestion(
            bus=bus, blobs=blobs, voice=voice, egress=egress, workspace=Path(workspace), limits=limits
        ) as ingestion:
            runtime.ready()
            await consume(bus, "ingestion", routes(ingestion), telemetry=runtime.telemetry)


if __name__ == "__main__":
    main()
