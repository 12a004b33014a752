"""The dead letters of the bus, one after the other, and what may be done with each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final

import click
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.kit.bus import Bus, Record, Source, Subscription
from services.kit.dead_letters import RUN, num_redrives, redriven
from services.kit.errors import BadInput
from services.kit.kafka.bus import open_kafka_bus
from services.kit.settings import NESTING, BusSettings
from services.kit.topics import DEAD_SUFFIX, TOPICS

__all__ = ["Deliver", "check_topics", "gateway_bus", "leave", "open_letters", "publish", "send_back"]

# What is done with a letter.
Deliver = Callable[[Bus, Subscription, Record, str], Awaitable[None]]

GROUP: Final = "redrive"
# To join a group takes a while; afterwards the letters come one upon the other.
_FIRST_WAIT_S: Final = 40.0
_NEXT_WAIT_S: Final = 5.0


class _GatewaySettings(BaseSettings):
    """The bus of the gateway; its other settings are not ours to judge."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", env_nested_delimiter=NESTING, extra="ignore")

    bus: BusSettings = BusSettings()


def gateway_bus() -> BusSettings:
    """Where the gateway finds the bus."""
    return _GatewaySettings().bus


def check_topics(topics: Sequence[str]) -> list[str]:
    """The names of topics, with or without the suffix of dead letters; all of them when none is named."""
    known = [topic.name for topic in TOPICS]
    names = [topic.removesuffix(DEAD_SUFFIX) for topic in topics]
    for name in names:
        if name not in known:
            raise BadInput(f"{name} is no topic, expected one of {', '.join(known)}")
    return names or known


async def open_letters(
    settings: BusSettings, names: Sequence[str], limit: int | None, deliver: Deliver, run: str
) -> int:
    """`send_back` on the bus of the settings."""
    topics = [topic for name in names for topic in (name, name + DEAD_SUFFIX)]
    async with open_kafka_bus(settings, topics) as bus:
        return await send_back(bus, names, limit, deliver, run)


async def send_back(
    bus: Bus,
    names: Sequence[str],
    limit: int | None,
    deliver: Deliver,
    run: str,
    first_wait_s: float = _FIRST_WAIT_S,
) -> int:
    """Show the dead letters of topics, pass at most `limit` to `deliver`, and return how many there were.

    Letters that `run` sent back and that died again are left for another run.
    """
    num_letters = 0
    dead = [name + DEAD_SUFFIX for name in names]
    async with bus.subscribe(dead, GROUP, _keep) as subscription:
        async for record in _letters(subscription, run, first_wait_s):
            click.echo(_describe(record))
            await deliver(bus, subscription, record, run)
            num_letters += 1
            if num_letters == limit:
                break
    return num_letters


async def publish(bus: Bus, subscription: Subscription, record: Record, run: str) -> None:
    """Send it back, and remember that it was."""
    await bus.publish([redriven(record, record.source.topic.removesuffix(DEAD_SUFFIX), run)])
    await subscription.commit({record.source: record.offset + 1})


async def leave(_bus: Bus, _subscription: Subscription, _record: Record, _run: str) -> None:
    """A letter that is only shown stays."""


async def _letters(subscription: Subscription, run: str, wait_s: float) -> AsyncIterator[Record]:
    """Letters until none comes any more; of each source only those before the first of this run."""
    ended: set[Source] = set()
    while True:
        try:
            record = await asyncio.wait_for(subscription.receive(), wait_s)
        except TimeoutError:
            return
        if record.headers.get(RUN) == run.encode():
            subscription.pause(record.source)
            ended.add(record.source)
        if record.source not in ended:
            yield record
        wait_s = _NEXT_WAIT_S


async def _keep(_sources: Sequence[Source]) -> Mapping[Source, int]:
    return {}


def _describe(record: Record) -> str:
    def text(name: str) -> str:
        return record.headers.get(name, b"").decode("utf-8", "replace")

    place = f"{record.source.topic}/{record.source.partition}/{record.offset}"
    why = f"{text('dead-error')}: {text('dead-reason')}"
    return f"{place} {record.key} {why} (sent back {num_redrives(record)} times before)"
