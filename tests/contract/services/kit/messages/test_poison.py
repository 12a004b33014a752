"""A thousand hostile records on every topic: each is set aside or harmless, and the loop lives."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from services.kit.bus import Outgoing
from services.kit.consumer import Route, consume, settling
from services.kit.memory_bus import MemoryBus
from services.kit.topics import TOPICS, TYPE_HEADER, Topic
from tests.contract.services.kit.messages.specimens import SPECIMENS

NUM_POISONED = 1000


def poison(topic: Topic[Any], good: Outgoing, randomness: Random) -> Iterator[Outgoing]:
    """Random bytes, truncations, flipped bits, wrong types and versions, hostile headers."""
    for index in range(NUM_POISONED):
        value, headers = good.value, dict(good.headers)
        match index % 5:
            case 0:
                value = randomness.randbytes(randomness.randrange(400))
            case 1:
                # Every length of a small message, evenly spread ones of a large message.
                value = value[: index * len(value) // NUM_POISONED]
            case 2:
                flipped = bytearray(value)
                for _ in range(randomness.randint(1, 8)):
                    flipped[randomness.randrange(len(flipped))] ^= 1 << randomness.randrange(8)
                value = bytes(flipped)
            case 3:
                headers[TYPE_HEADER] = topic.type_name.replace(".v1.", ".v2.").encode()
            case 4:
                headers = {"traceparent": randomness.randbytes(20), "dramatis-type": b"", "\x00": b"\xff"}
        yield Outgoing(topic=topic.name, key=good.key, value=value, headers=headers)


async def feed(topic: Topic[Any], message: object) -> tuple[int, int, Counter[bytes]]:
    bus = MemoryBus()
    handled: list[object] = []
    letters: list[Outgoing] = []

    class Recording(MemoryBus):
        async def publish(self, records: Any) -> None:
            letters.extend(record for record in records if record.topic == topic.dead)
            await super().publish(records)

    bus = Recording()

    async def handle(received: object) -> None:
        handled.append(received)

    loop = asyncio.create_task(consume(bus, "group", [Route(topic=topic, handle=settling(handle))]))
    await asyncio.sleep(0)
    good = topic.outgoing(message)
    await bus.publish(list(poison(topic, good, Random(topic.name))))
    await bus.publish([good])
    async with asyncio.timeout(60):
        while len(handled) + len(letters) < NUM_POISONED + 1:
            assert not loop.done(), loop
            await asyncio.sleep(0.005)
    loop.cancel()
    await asyncio.wait([loop])
    return len(handled), len(letters), Counter(letter.headers["dead-error"] for letter in letters)


@pytest.mark.parametrize(("topic", "message"), SPECIMENS, ids=[topic.name for topic in TOPICS])
def test_poison_is_set_aside_or_harmless_and_the_next_message_is_handled(
    topic: Topic[Any], message: object
) -> None:
    num_handled, num_letters, reasons = asyncio.run(feed(topic, message))
    assert num_handled + num_letters == NUM_POISONED + 1
    # All but flipped bits that hit nothing that is checked, and truncations that only lose the last fields.
    assert num_letters >= NUM_POISONED * 0.6
    assert set(reasons) == {b"BadMessage"}
