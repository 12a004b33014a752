"""One member of a consumer group on Kafka: a thread that polls, and what it hands to the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Final, NamedTuple

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    UnknownMemberIdError,
)

from services.kit.bus import OnRevoked, Record, Source
from services.kit.errors import Unavailable
from services.kit.kafka.options import consumer_options
from services.kit.kafka.topics import ensure_topics
from services.kit.settings import BusSettings

__all__ = ["Member"]

_POLL_MS: Final = 100
_REVOKE_TIMEOUT_S: Final = 20.0
_RETRY_S: Final = 1.0
_CLOSE_TIMEOUT_S: Final = 5.0
_LAG_INTERVAL: Final = 20
# What the broker answers when the partitions are no longer ours.
_LOST: Final = (CommitFailedError, IllegalGenerationError, UnknownMemberIdError, IllegalStateError)
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class _Commit(NamedTuple):
    offsets: Mapping[Source, int]
    done: asyncio.Future[None]


class Member:
    """A `Subscription`. Everything public belongs to the event loop; the client belongs to its thread.

    The thread polls all the time, so that the group never takes a slow handler for a dead one; what
    must not be read is paused.
    """

    def __init__(
        self, settings: BusSettings, topics: Sequence[str], group: str, on_revoked: OnRevoked
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._group = group
        self._on_revoked = on_revoked
        self._loop = asyncio.get_running_loop()
        self._received: deque[Record] = deque()
        self._arrived = asyncio.Event()
        self._paused: frozenset[Source] = frozenset()
        self._commits: deque[_Commit] = deque()
        self._lags: Mapping[Source, int] = {}
        self._is_closing = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._live, name=f"kafka-{group}", daemon=True)
        self._thread.start()

    async def receive(self) -> Record:
        while not self._received:
            if self._failure is not None:
                raise self._failure
            self._arrived.clear()
            await self._arrived.wait()
        return self._received.popleft()

    def pause(self, source: Source) -> None:
        self._paused |= {source}

    def resume(self, source: Source) -> None:
        self._paused -= {source}

    async def commit(self, offsets: Mapping[Source, int]) -> None:
        if self._failure is not None or self._is_closing.is_set():
            raise Unavailable("the consumer has ended")
        commit = _Commit(offsets, self._loop.create_future())
        self._commits.append(commit)
        try:
            async with asyncio.timeout(2 * self._settings.request_timeout_s):
                await commit.done
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"the offsets were not committed: {type(error).__name__}") from error

    def lags(self) -> Mapping[Source, int]:
        return self._lags

    async def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._is_closing.set()
        await asyncio.to_thread(self._thread.join, _CLOSE_TIMEOUT_S)

    # What follows runs in the thread.

    def _live(self) -> None:
        try:
            while not self._is_closing.is_set():
                try:
                    self._be_member()
                except (KafkaError, Unavailable) as error:
                    # Whatever state the client was in, a new one begins from what the broker knows.
                    _LOGGER.warning("consumer.restarted", group=self._group, error=type(error).__name__)
                    self._is_closing.wait(_RETRY_S)
        except BaseException as error:  # noqa: BLE001  it is raised again where records are received
            self._call(self._fail, error)

    def _be_member(self) -> None:
        ensure_topics(self._settings, self._topics)
        consumer = KafkaConsumer(
            partition_assignment_strategy=[RangePartitionAssignor],
            **consumer_options(self._settings, self._group),
        )
        try:
            consumer.subscribe(list(self._topics), listener=_Listener(self, consumer))
            rounds = 0
            while not self._is_closing.is_set():
                self._apply_pauses(consumer)
                self._hand_over(consumer.poll(timeout_ms=_POLL_MS))
                self._apply_commits(consumer)
                rounds += 1
                if rounds % _LAG_INTERVAL == 0:
                    self._lags = _read_lags(consumer)
            self._apply_commits(consumer)
        finally:
            owned = [_source_of(partition) for partition in consumer.assignment()]
            with suppress(KafkaError):
                consumer.close(timeout_ms=_POLL_MS if not self._is_closing.is_set() else 3_000)
            self.release(owned)

    def _apply_pauses(self, consumer: KafkaConsumer) -> None:
        assigned = consumer.assignment()
        is_full = len(self._received) >= 2 * self._settings.memory_depth
        paused = self._paused
        wanted = {part for part in assigned if is_full or _source_of(part) in paused}
        current = consumer.paused() & assigned
        with suppress(KeyError):  # a rebalance took partitions away meanwhile; the next round sees which
            consumer.pause(*(wanted - current))
            consumer.resume(*(current - wanted))
        _free_slot(consumer)

    def _hand_over(self, batches: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        records = [
            _record_of(source, found)
            for source, batch in ((_source_of(partition), batch) for partition, batch in batches.items())
            for found in batch
        ]
        if records:
            self._call(self._take, records)

    def _apply_commits(self, consumer: KafkaConsumer) -> None:
        while self._commits:
            commit = self._commits.popleft()
            if commit.done.cancelled():  # nobody waits for it: a later one follows
                continue
            assigned = consumer.assignment()
            offsets = _to_offsets(
                {source: offset for source, offset in commit.offsets.items() if _part_of(source) in assigned}
            )
            try:
                if offsets:
                    consumer.commit(offsets, timeout_ms=self._settings.request_timeout_s * 1000)
            except _LOST:
                self._call(_resolve, commit.done, None)
            except KafkaError as error:
                self._call(_resolve, commit.done, error)
            else:
                self._call(_resolve, commit.done, None)

    def release(self, sources: Sequence[Source]) -> Mapping[Source, int]:
        """Tell the event loop that sources go away, wait for it, and return what may be committed."""
        if not sources:
            return {}
        with suppress(RuntimeError, TimeoutError, CancelledError):  # the loop has ended, or hangs
            ending = asyncio.run_coroutine_threadsafe(self._revoke(sources), self._loop)
            return ending.result(_REVOKE_TIMEOUT_S)
        return {}

    # What follows runs on the event loop again.

    def _call(self, function: object, *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *arguments)  # type: ignore[arg-type]  # as given

    def _take(self, records: Sequence[Record]) -> None:
        self._received.extend(records)
        self._arrived.set()

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._arrived.set()

    async def _revoke(self, sources: Sequence[Source]) -> Mapping[Source, int]:
        gone = set(sources)
        self._received = deque(record for record in self._received if record.source not in gone)
        self._paused -= gone
        return await self._on_revoked(sources)


class _Listener(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # the library names no types
    """Hears of rebalances in the client's network thread, before the group goes on."""

    def __init__(self, member: Member, consumer: KafkaConsumer) -> None:
        self._member = member
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        offsets = self._member.release([_source_of(partition) for partition in revoked])
        if offsets:
            with suppress(KafkaError):
                await self._consumer.commit_async(_to_offsets(offsets))
        _forget_positions(self._consumer)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        _LOGGER.info("partitions.assigned", num_partitions=len(assigned))

    async def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self._member.release([_source_of(partition) for partition in lost])


def _resolve(future: asyncio.Future[None], error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _forget_positions(consumer: KafkaConsumer) -> None:
    """Have every partition that comes back read from where the group stands.

    kafka-python 3.0.12 goes on with a partition that stays here where its fetches had come to, past all that
    was fetched, not handled, and dropped when the partition was revoked.
    """
    consumer._subscription.assign_from_subscribed([])


def _free_slot(consumer: KafkaConsumer) -> None:
    """Let what was fetched before a pause come back.

    kafka-python 3.0.12 parks it and takes it up again only into a slot that is None; a batch that was
    read to its end stays in the slot, and then a partition that was paused is never read again.
    """
    fetcher = consumer._fetcher
    if not fetcher._next_partition_records:
        fetcher._next_partition_records = None


def _source_of(partition: TopicPartition) -> Source:
    return Source(partition.topic, partition.partition)


def _part_of(source: Source) -> TopicPartition:
    return TopicPartition(source.topic, source.partition)


def _to_offsets(positions: Mapping[Source, int]) -> dict[TopicPartition, OffsetAndMetadata]:
    return {_part_of(source): OffsetAndMetadata(offset, "", -1) for source, offset in positions.items()}


def _record_of(source: Source, found: ConsumerRecord) -> Record:
    return Record(
        source=source,
        offset=found.offset,
        key=(found.key or b"").decode("utf-8", "replace"),
        value=found.value or b"",
        headers={name: value or b"" for name, value in found.headers},
    )


def _read_lags(consumer: KafkaConsumer) -> Mapping[Source, int]:
    lags = {}
    with suppress(KeyError, IllegalStateError):  # a rebalance took partitions away meanwhile
        for partition in consumer.assignment():
            end = consumer.highwater(partition)
            position = consumer.position(partition, timeout_ms=_POLL_MS) if end is not None else None
            if end is not None and position is not None:
                lags[_source_of(partition)] = max(0, end - position)
    return lags
