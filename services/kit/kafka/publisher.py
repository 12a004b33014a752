"""Publishing to Kafka: one idempotent producer, replaced when it fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from services.kit.bus import Outgoing
from services.kit.errors import BadMessage, Unavailable
from services.kit.kafka.options import producer_options
from services.kit.kafka.topics import ensure_topics
from services.kit.settings import BusSettings

__all__ = ["Publisher"]

_CLOSE_TIMEOUT_S: Final = 5.0
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class Publisher:
    """Sends records and waits until the brokers have them. Its thread begins with the first record."""

    def __init__(self, settings: BusSettings, topics: Sequence[str]) -> None:
        self._settings = settings
        self._topics = topics
        self._producer: KafkaProducer | None = None
        # One thread, so that records are handed over in the order in which they were published.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-publisher")

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Return when the brokers hold all records. Raises Unavailable, or BadMessage for too large ones."""
        if not records:
            return
        loop = asyncio.get_running_loop()
        acks = _Acks(loop, len(records))
        try:
            # The parts have their own limits; this one is for what they do not foresee.
            async with asyncio.timeout(3 * self._settings.request_timeout_s):
                producer = await loop.run_in_executor(self._thread, self._send, records, acks)
                try:
                    await acks.done
                except KafkaError:
                    await loop.run_in_executor(self._thread, self._discard, producer)
                    raise
        except MessageSizeTooLargeError as error:
            raise BadMessage(f"a record is larger than {self._settings.record_max_bytes} bytes") from error
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"the brokers did not take a record: {type(error).__name__}") from error

    async def close(self) -> None:
        """Give what is being sent a moment, then end."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._discard, self._producer)
        self._thread.shutdown(wait=False)

    def _send(self, records: Sequence[Outgoing], acks: _Acks) -> KafkaProducer:
        if self._producer is None:
            # Brokers that lost their data have lost the topics too.
            ensure_topics(self._settings, self._topics)
            self._producer = KafkaProducer(**producer_options(self._settings))
        producer = self._producer
        try:
            for record in records:
                future = producer.send(
                    record.topic, record.value, record.key.encode(), list(record.headers.items())
                )
                future.add_callback(acks.take)
                future.add_errback(acks.fail)
        except MessageSizeTooLargeError:
            raise
        except KafkaError:
            self._discard(producer)
            raise
        return producer

    def _discard(self, producer: KafkaProducer) -> None:
        """Close a producer that failed: its state may never agree with the brokers' again."""
        if self._producer is not producer or producer is None:
            return
        self._producer = None
        with suppress(KafkaError):
            producer.close(_CLOSE_TIMEOUT_S)


class _Acks:
    """Counts answers in the client's threads, and tells the event loop once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, num_expected: int) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._num_missing = num_expected
        self._lock = threading.Lock()

    def take(self, _metadata: object) -> None:
        with self._lock:
            self._num_missing -= 1
            is_last = self._num_missing == 0
        if is_last:
            self._tell(None)

    def fail(self, error: BaseException) -> None:
        self._tell(error)

    def _tell(self, error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop may be gone when the process ends
            self._loop.call_soon_threadsafe(self._resolve, error)

    def _resolve(self, error: BaseException | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
