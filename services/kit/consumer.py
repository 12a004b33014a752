"""The consumer loop: the only place where an error becomes an action."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

import structlog

from services.kit.backoff import Backoff
from services.kit.bus import Bus, Record, Source, Subscription
from services.kit.dead_letters import dead_letter
from services.kit.errors import BadMessage, Rejected, Retryable, Stale
from services.kit.lanes import Lane, stop_all
from services.kit.ledger import Claim, Ledger
from services.kit.telemetry import Telemetry
from services.kit.topics import Topic

__all__ = ["Receipt", "Route", "consume", "settling"]

T = TypeVar("T")

_COMMIT_INTERVAL_S: Final = 0.5
_GRACE_S: Final = 10.0
_LAST_COMMIT_S: Final = 5.0
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class Receipt:
    """The claim on one record: it is read again after a crash until it is settled."""

    __slots__ = ("_settle", "partition")

    def __init__(self, partition: int, settle: Callable[[], None]) -> None:
        # A session stays on one partition, of every topic of its group.
        self.partition = partition
        self._settle = settle

    def settle(self) -> None:
        """Declare every effect of the record durable. Settling twice is settling once."""
        self._settle()


Handle = Callable[[T, Receipt], Awaitable[None]]


def settling(handle: Callable[[T], Awaitable[None]]) -> Handle[T]:
    """A handler whose effects are durable when it returns."""

    async def handle_and_settle(message: T, receipt: Receipt) -> None:
        await handle(message)
        receipt.settle()

    return handle_and_settle


def _keep(_partition: int) -> None:
    """A handler without state has nothing to release."""


async def _accept(_message: object, _error: Rejected) -> None:
    """Nobody waits for this message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[T]):
    """What happens to the messages of one topic.

    `release` is called with a partition that went to another member, when no handler of it runs any
    more: forget its sessions and settle nothing of them. `on_rejected` tells whoever waits for a message
    that was set aside; it may be called again for the same message.
    """

    topic: Topic[T]
    handle: Handle[T]
    release: Callable[[int], None] = _keep
    on_rejected: Callable[[T, Rejected], Awaitable[None]] = _accept


async def consume(
    bus: Bus,
    group: str,
    routes: Sequence[Route[Any]],  # each route is of its own message type
    *,
    telemetry: Telemetry | None = None,
    backoff: Backoff | None = None,
    grace_s: float = _GRACE_S,
) -> None:
    """Handle the messages of all routes until cancelled.

    Messages of one partition of a topic are handled in order, everything else beside each other.
    Retryable errors are tried again with growing pauses, Rejected ones go to the topic's dead-letter
    topic, Stale ones are counted; anything else ends the loop and is raised. When cancelled, handlers
    that run have `grace_s` to finish; what is settled is committed.
    """
    by_topic = {route.topic.name: route for route in routes}
    await _Loop(bus, group, by_topic, telemetry or Telemetry(), backoff or Backoff()).run(grace_s)


class _Loop:
    def __init__(
        self,
        bus: Bus,
        group: str,
        routes: Mapping[str, Route[Any]],
        telemetry: Telemetry,
        backoff: Backoff,
    ) -> None:
        self._bus = bus
        self._group = group
        self._routes = routes
        self._telemetry = telemetry
        self._backoff = backoff
        self._ledger = Ledger()
        self._lanes: dict[Source, Lane] = {}
        self._failure: BaseException | None = None

    async def run(self, grace_s: float) -> None:
        try:
            async with (
                self._bus.subscribe(list(self._routes), self._group, self._revoke) as subscription,
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(self._commit_forever(subscription))
                try:
                    await self._receive_forever(subscription, tasks)
                finally:
                    await self._wind_up(subscription, 0.0 if self._failure else grace_s)
        except BaseExceptionGroup as group:
            raise self._failure or group.exceptions[0] from None

    async def _receive_forever(self, subscription: Subscription, tasks: asyncio.TaskGroup) -> None:
        while True:
            record = await subscription.receive()
            if self._ledger.has_passed(record):
                # The log of this source begins anew: the broker lost it, or reads it again for us.
                await self._revoke([record.source])
            lane = self._lanes.get(record.source)
            if lane is None:
                lane = self._lanes[record.source] = Lane(record.source, subscription)
                lane.task = tasks.create_task(self._drain(lane))
            lane.put(record, self._ledger.open(record))

    async def _drain(self, lane: Lane) -> None:
        try:
            while True:
                record, claim = await lane.take()
                await self._process(lane, record, claim)
                lane.has_finished()
        except asyncio.CancelledError:
            if lane.is_stopping or self._failure is not None:
                raise
            self._failure = RuntimeError(f"a handler of {lane.source.topic} was cancelled from inside")
            raise self._failure from None
        except BaseException as error:
            self._failure = self._failure or error
            raise

    async def _process(self, lane: Lane, record: Record, claim: Claim) -> None:
        route = self._routes[record.source.topic]
        receipt = Receipt(
            record.source.partition, partial(self._settle, record.source.topic, record.key, claim)
        )
        with (
            structlog.contextvars.bound_contextvars(
                topic=record.source.topic,
                partition=record.source.partition,
                offset=record.offset,
                key=record.key,
            ),
            self._telemetry.span(self._group, record),
        ):
            self._telemetry.count(self._group, record.source.topic, record.key, "consumed")
            try:
                message = route.topic.read(record)
            except BadMessage as error:
                await self._set_aside(lane, record, claim, error)
                return
            try:
                await self._insist(lane, record, partial(self._handle, route, message, record, receipt))
            except Rejected as error:
                await self._tell(lane, record, partial(route.on_rejected, message, error))
                await self._set_aside(lane, record, claim, error)
            except Stale:
                self._telemetry.count(self._group, record.source.topic, record.key, "stale")
                receipt.settle()

    async def _handle(self, route: Route[Any], message: object, record: Record, receipt: Receipt) -> None:
        began_s = time.perf_counter()
        try:
            await route.handle(message, receipt)
        finally:
            duration_s = time.perf_counter() - began_s
            self._telemetry.observe_handling(self._group, record.source.topic, duration_s)

    async def _insist(self, lane: Lane, record: Record, action: Callable[[], Awaitable[None]]) -> None:
        """Do it, again and again while it raises Retryable."""
        attempt = 0
        while True:
            try:
                await action()
                return
            except Retryable as error:
                attempt += 1
                pause_s = self._backoff.pause_s(attempt)
                self._telemetry.count(self._group, record.source.topic, record.key, "retried")
                _LOGGER.warning(
                    "record.retried",
                    attempt=attempt,
                    pause_s=round(pause_s, 3),
                    error=type(error).__name__,
                    reason=str(error),
                )
            await lane.pause(pause_s)

    async def _tell(self, lane: Lane, record: Record, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._insist(lane, record, action)
        except (Rejected, Stale) as error:
            _LOGGER.warning("record.rejection_untold", error=type(error).__name__, reason=str(error))

    async def _set_aside(self, lane: Lane, record: Record, claim: Claim, error: Rejected) -> None:
        letter = dead_letter(record, self._routes[record.source.topic].topic.dead, self._group, error)
        await self._insist(lane, record, partial(self._bus.publish, [letter]))
        _LOGGER.warning("record.dead", error=type(error).__name__, reason=str(error))
        self._telemetry.count(self._group, record.source.topic, record.key, "dead")
        self._ledger.settle(claim)

    def _settle(self, topic: str, key: str, claim: Claim) -> None:
        if self._ledger.settle(claim):
            self._telemetry.count(self._group, topic, key, "settled")

    async def _commit_forever(self, subscription: Subscription) -> None:
        while True:
            await asyncio.sleep(_COMMIT_INTERVAL_S)
            await self._commit(subscription)
            for source, num_records in subscription.lags().items():
                self._telemetry.observe_lag(self._group, source, num_records)

    async def _commit(self, subscription: Subscription) -> None:
        offsets = self._ledger.take_committable()
        if not offsets:
            return
        try:
            await subscription.commit(offsets)
        except Retryable as error:
            self._ledger.put_back(offsets)
            _LOGGER.warning("offsets.uncommitted", error=type(error).__name__, reason=str(error))

    async def _revoke(self, sources: Sequence[Source]) -> Mapping[Source, int]:
        lanes = [lane for source in sources if (lane := self._lanes.pop(source, None))]
        await stop_all(lanes, 0.0)
        positions = self._ledger.forget(sources)
        for source in sources:
            self._routes[source.topic].release(source.partition)
        return positions

    async def _wind_up(self, subscription: Subscription, grace_s: float) -> None:
        """Begin nothing more, let handlers finish, commit what is settled."""
        await stop_all(list(self._lanes.values()), grace_s)
        try:
            async with asyncio.timeout(_LAST_COMMIT_S):
                await self._commit(subscription)
        except TimeoutError:
            _LOGGER.warning("offsets.uncommitted", error="TimeoutError", reason="the bus does not answer")
