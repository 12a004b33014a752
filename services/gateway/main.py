"""The gateway process: the HTTP API, the outbox relay, and the consumer of results."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from services.gateway.api.app import create_app
from services.gateway.api.traces import Traces
from services.gateway.handler import routes
from services.gateway.settings import Settings
from services.kit.adapters import open_blobs, open_bus, open_database
from services.kit.consumer import consume
from services.kit.database.outbox import relay
from services.kit.http import open_http
from services.kit.runtime import Runtime, run

_LOGGER: Final = structlog.get_logger(__name__)


async def serve(settings: Settings, runtime: Runtime) -> None:
    """Serve until cancelled."""
    database = await runtime.enter(open_database(settings.database))
    blobs = await runtime.enter(open_blobs(settings.blobs))
    bus = await runtime.enter(open_bus(settings.bus))
    app = create_app(
        settings,
        database=database,
        blobs=blobs,
        clock=runtime.clock,
        registry=runtime.telemetry.registry,
        is_ready=runtime.is_ready,
    )
    api = settings.api
    served = Traces(app, runtime.telemetry)
    address = await runtime.enter(open_http(served, api.host, api.port, max_connections=api.max_connections))
    _LOGGER.info("api.listening", host=address.host, port=address.port)
    runtime.ready()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay(database, bus))
        results = routes(database, runtime.clock, settings.admission)
        tasks.create_task(consume(bus, "gateway", results, telemetry=runtime.telemetry))


def main() -> None:
    """Run the gateway."""
    run("gateway", Settings, serve)


if __name__ == "__main__":
    main()
