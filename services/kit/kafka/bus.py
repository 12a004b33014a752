"""The bus port on Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from services.kit.backoff import Backoff
from services.kit.bus import OnRevoked, Outgoing
from services.kit.errors import Unavailable
from services.kit.kafka.checksums import use_fast_checksums
from services.kit.kafka.member import Member
from services.kit.kafka.publisher import Publisher
from services.kit.kafka.topics import ensure_topics
from services.kit.settings import BusSettings
from services.kit.topics import TOPICS

__all__ = ["KafkaBus", "open_kafka_bus"]

_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class KafkaBus:
    """A `Bus`: one producer, and one consumer for each subscription."""

    def __init__(self, settings: BusSettings, publisher: Publisher) -> None:
        self._settings = settings
        self._publisher = publisher

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await self._publisher.publish(records)

    @asynccontextmanager
    async def subscribe(
        self, topics: Iterable[str], group: str, on_revoked: OnRevoked
    ) -> AsyncIterator[Member]:
        member = Member(self._settings, list(topics), group, on_revoked)
        try:
            yield member
        finally:
            await member.close()


@asynccontextmanager
async def open_kafka_bus(
    settings: BusSettings, topics: Sequence[str] | None = None
) -> AsyncIterator[KafkaBus]:
    """The bus of a cluster, once its brokers answer and its topics exist.

    It waits for brokers as long as it takes: who needs them is not ready until then.
    """
    use_fast_checksums()
    names = all_topics() if topics is None else list(topics)
    await _wait_for_topics(settings, names)
    publisher = Publisher(settings, names)
    try:
        yield KafkaBus(settings, publisher)
    finally:
        await publisher.close()


def all_topics() -> list[str]:
    """Every topic of the platform, and those for its dead letters."""
    return [name for topic in TOPICS for name in (topic.name, topic.dead)]


async def _wait_for_topics(settings: BusSettings, names: Sequence[str]) -> None:
    backoff = Backoff(first_s=0.5)
    attempt = 0
    while True:
        try:
            await asyncio.to_thread(ensure_topics, settings, names)
            return
        except Unavailable as error:
            attempt += 1
            _LOGGER.warning("bus.awaited", attempt=attempt, reason=str(error))
        await asyncio.sleep(backoff.pause_s(attempt))
