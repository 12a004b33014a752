"""The whole platform in one process: all seven services on SQLite, a folder and a bus in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.encoding.workshop import warm_up
from services.gateway.api.app import create_app
from services.gateway.api.traces import Traces
from services.gateway.handler import routes as gateway_routes
from services.generation.loading import engines_of, set_engine_threads
from services.ingestion.voices import choose_voice
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.consumer import consume
from services.kit.database.database import Database
from services.kit.database.outbox import relay
from services.kit.egress import Egress
from services.kit.http import Address, open_http
from services.kit.memory_bus import MemoryBus
from services.kit.runtime import Runtime
from services.moderation.handler import Moderation
from services.moderation.handler import routes as moderation_routes
from services.moderation.judges import load_judges
from services.standalone.groups import Group
from services.standalone.settings import ServicesSettings
from services.standalone.stages import Stages, Studio, open_studio
from services.standalone.storage import open_storage
from services.worker.handler import Worker, open_worker

__all__ = ["Host", "serve"]

_PARTITIONS: Final = 4
_GRACE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Where the platform keeps its data and listens, and who is told of it.

    `show_key` gets the first key of a new folder; `show_address` is called when work is taken.
    """

    data: Path
    host: str
    port: int
    show_key: Callable[[str], None]
    show_address: Callable[[Address], None]


async def serve(host: Host, settings: ServicesSettings, runtime: Runtime) -> None:
    """Serve until cancelled. What was under way when the last process ended is begun again.

    Raises Fatal when the folder or the address cannot be had.
    """
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(open_storage(host.data, runtime.clock))
        if storage.first_key is not None:
            host.show_key(storage.first_key)
        worker = await _open_worker(stack, storage.database, storage.blobs, settings, runtime)
        await worker.recover()
        address = await _open_api(stack, storage.database, storage.blobs, host, settings, runtime)
        bus = MemoryBus(partitions=_PARTITIONS)
        studio = await open_studio(stack, _stages(bus, storage.blobs, storage.workspace, settings, runtime))
        judging = await _judging(bus, storage.blobs, settings, runtime)
        results = gateway_routes(storage.database, runtime.clock, settings.gateway.admission)
        groups = (*studio.groups, judging, Group(name="gateway", routes=results))
        async with asyncio.TaskGroup() as tasks:
            _consume_all(tasks, bus, groups, runtime)
            await _warm_up(studio)
            tasks.create_task(worker.run_embedded())
            tasks.create_task(relay(storage.database, bus))
            runtime.ready()
            host.show_address(address)


async def _open_worker(
    stack: AsyncExitStack, database: Database, blobs: Blobs, settings: ServicesSettings, runtime: Runtime
) -> Worker:
    return await stack.enter_async_context(
        open_worker(
            settings.worker,
            database=database,
            blobs=blobs,
            egress=Egress(settings.worker.egress),
            clock=runtime.clock,
            telemetry=runtime.telemetry,
        )
    )


async def _open_api(
    stack: AsyncExitStack,
    database: Database,
    blobs: Blobs,
    host: Host,
    settings: ServicesSettings,
    runtime: Runtime,
) -> Address:
    app = create_app(
        settings.gateway,
        database=database,
        blobs=blobs,
        clock=runtime.clock,
        registry=runtime.telemetry.registry,
        is_ready=runtime.is_ready,
    )
    num_connections = settings.gateway.api.max_connections
    return await stack.enter_async_context(
        open_http(Traces(app, runtime.telemetry), host.host, host.port, max_connections=num_connections)
    )


def _stages(bus: Bus, blobs: Blobs, workspace: Path, settings: ServicesSettings, runtime: Runtime) -> Stages:
    set_engine_threads(settings.generation.engine_threads)
    return Stages(
        bus=bus,
        blobs=blobs,
        clock=runtime.clock,
        workspace=workspace,
        voice=choose_voice(settings.ingestion.voice),
        egress=Egress(settings.ingestion.egress),
        engines=engines_of(settings.generation),
        slots=settings.generation.slots,
        encoders=settings.encoding.threads,
        painters=settings.generation.picture_threads,
        limits=settings.ingestion.limits.limits(),
        telemetry=runtime.telemetry,
    )


async def _judging(bus: Bus, blobs: Blobs, settings: ServicesSettings, runtime: Runtime) -> Group:
    judges = await asyncio.to_thread(load_judges, settings.moderation.judges)
    moderation = Moderation(bus=bus, blobs=blobs, clock=runtime.clock, judges=judges)
    return Group(name="moderation", routes=moderation_routes(moderation))


def _consume_all(tasks: asyncio.TaskGroup, bus: Bus, groups: Sequence[Group], runtime: Runtime) -> None:
    for group in groups:
        tasks.create_task(
            consume(bus, group.name, group.routes, telemetry=runtime.telemetry, grace_s=_GRACE_S)
        )


async def _warm_up(studio: Studio) -> None:
    """Load what is slow to load; meanwhile every group has joined the bus."""
    await asyncio.gather(asyncio.to_thread(warm_up), studio.generation.warm_up())
