"""From settings to adapters: the embedded ones, or those of a cluster.

Each client library is imported where it is chosen, so that no process loads those it does not use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.errors import Fatal
from services.kit.memory_bus import MemoryBus
from services.kit.settings import BlobSettings, BusSettings, DatabaseSettings

if TYPE_CHECKING:
    from services.kit.database.database import Database

__all__ = ["open_blobs", "open_bus", "open_database"]


@asynccontextmanager
async def open_bus(settings: BusSettings) -> AsyncIterator[Bus]:
    """The bus: Kafka where there are servers, else one in memory."""
    if not settings.bootstrap_servers:
        yield MemoryBus(partitions=settings.partitions, depth=settings.memory_depth)
        return
    from services.kit.kafka.bus import open_kafka_bus

    async with open_kafka_bus(settings) as bus:
        yield bus


@asynccontextmanager
async def open_blobs(settings: BlobSettings) -> AsyncIterator[Blobs]:
    """The blob store: a bucket where there is an endpoint, else a folder. Raises Fatal without either."""
    if settings.endpoint:
        from services.kit.s3_blobs import open_s3_blobs

        async with open_s3_blobs(
            endpoint=settings.endpoint,
            bucket=settings.bucket,
            access_key=settings.access_key,
            secret_key=settings.secret_key.get_secret_value(),
            region=settings.region,
            secure=settings.secure,
        ) as bucket:
            yield bucket
        return
    if settings.folder is None:
        raise Fatal("no place for blobs is set: BLOBS__FOLDER or BLOBS__ENDPOINT is needed")
    from services.kit.folder_blobs import open_folder_blobs

    async with open_folder_blobs(settings.folder) as folder:
        yield folder


@asynccontextmanager
async def open_database(settings: DatabaseSettings) -> AsyncIterator[Database]:
    """The database at the address of the settings. Its schema is not touched."""
    from services.kit.database.database import open_database as open_at

    async with open_at(
        settings.url.get_secret_value(), pool_size=settings.pool_size, timeout_s=settings.timeout_s
    ) as database:
        yield database
