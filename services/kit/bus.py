"""The bus port: how records get from one service to the next, whatever carries them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

__all__ = ["Bus", "Headers", "OnRevoked", "Outgoing", "Record", "Source", "Subscription"]

Headers = Mapping[str, bytes]


class Source(NamedTuple):
    """Where records come from in order."""

    topic: str
    partition: int


# Called with the sources that go to another member; returns the offsets to commit before they go.
OnRevoked = Callable[[Sequence[Source]], Awaitable[Mapping[Source, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A record to be published; records of one topic and key stay in their order."""

    topic: str
    key: str
    value: bytes
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it was received."""

    source: Source
    offset: int
    key: str
    value: bytes
    headers: Headers


class Subscription(Protocol):
    """What one member of a consumer group receives."""

    async def receive(self) -> Record:
        """Wait for the next record; those of one source come in order."""
        ...

    def pause(self, source: Source) -> None:
        """Receive no more from this source until `resume`."""
        ...

    def resume(self, source: Source) -> None:
        """Undo `pause`."""
        ...

    async def commit(self, offsets: Mapping[Source, int]) -> None:
        """Remember for the group that everything below these offsets is done.

        Raises Unavailable when the broker does not answer; a source that is no longer ours is passed over.
        """
        ...

    def lags(self) -> Mapping[Source, int]:
        """How many records of each source were not received yet, where that is known."""
        ...


class Bus(Protocol):
    """Publishing, and subscribing as a member of a group."""

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Return when the bus holds all the records. Raises Unavailable when it does not answer.

        Then some of them may have been taken: whoever tries again must expect duplicates.
        """
        ...

    def subscribe(
        self, topics: Iterable[str], group: str, on_revoked: OnRevoked
    ) -> AbstractAsyncContextManager[Subscription]:
        """Join a group on some topics, from where the group stands, or from the beginning.

        Equal partition numbers of the topics go to the same member. `on_revoked` is awaited on the event
        loop when sources go to another member: nothing of them is received after it, and what it returns
        is committed if there still is time. When it is done, nothing of them may be committed any more.
        """
        ...
