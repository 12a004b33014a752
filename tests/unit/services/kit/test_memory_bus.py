from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from services.kit.bus import Outgoing, Source
from services.kit.memory_bus import MemoryBus


async def keep(_sources: Sequence[Source]) -> Mapping[Source, int]:
    return {}


def outgoing(value: int, key: str = "k", topic: str = "t") -> Outgoing:
    return Outgoing(topic=topic, key=key, value=str(value).encode(), headers={"h": b"1"})


def test_every_group_receives_the_records_of_a_key_in_order() -> None:
    async def scenario() -> list[list[bytes]]:
        bus = MemoryBus()
        async with bus.subscribe(["t"], "a", keep) as first, bus.subscribe(["t"], "b", keep) as second:
            await bus.publish([outgoing(i) for i in range(5)])
            return [[(await member.receive()).value for _ in range(5)] for member in (first, second)]

    assert asyncio.run(scenario()) == [[b"0", b"1", b"2", b"3", b"4"]] * 2


def test_offsets_of_a_partition_have_no_gaps_and_headers_travel() -> None:
    async def scenario() -> list[tuple[int, Mapping[str, bytes]]]:
        bus = MemoryBus(partitions=1)
        async with bus.subscribe(["t"], "a", keep) as member:
            await bus.publish([outgoing(i, key=str(i)) for i in range(3)])
            received = [await member.receive() for _ in range(3)]
        return [(record.offset, record.headers) for record in received]

    assert asyncio.run(scenario()) == [(i, {"h": b"1"}) for i in range(3)]


def test_a_publisher_waits_for_a_subscriber_that_is_behind() -> None:
    async def scenario() -> tuple[bool, bool]:
        bus = MemoryBus(partitions=1, depth=2)
        async with bus.subscribe(["t"], "a", keep) as member:
            publishing = asyncio.create_task(bus.publish([outgoing(i) for i in range(3)]))
            await asyncio.sleep(0.01)
            is_waiting = not publishing.done()
            await member.receive()
            await asyncio.wait_for(publishing, 60)
            return is_waiting, publishing.done()

    assert asyncio.run(scenario()) == (True, True)


def test_many_publishers_at_a_full_lane_keep_the_order_of_offsets() -> None:
    async def scenario() -> list[int]:
        bus = MemoryBus(partitions=1, depth=2)
        async with bus.subscribe(["t"], "a", keep) as member, asyncio.TaskGroup() as tasks:
            for i in range(50):
                tasks.create_task(bus.publish([outgoing(i)]))
            offsets = []
            for _ in range(50):
                offsets.append((await member.receive()).offset)
                await asyncio.sleep(0)
            return offsets

    assert asyncio.run(scenario()) == list(range(50))


def test_publishers_go_on_when_the_subscriber_leaves() -> None:
    async def scenario() -> None:
        bus = MemoryBus(partitions=1, depth=1)
        async with asyncio.TaskGroup() as tasks, bus.subscribe(["t"], "a", keep):
            for i in range(20):
                tasks.create_task(bus.publish([outgoing(i), outgoing(i)]))
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_paused_source_gives_nothing_and_others_go_on() -> None:
    async def scenario() -> tuple[bytes, bytes]:
        bus = MemoryBus()
        async with bus.subscribe(["t", "u"], "a", keep) as member:
            await bus.publish([outgoing(1)])
            held = (await member.receive()).source
            member.pause(held)
            await bus.publish([outgoing(2), outgoing(3, topic="u")])
            while_paused = (await member.receive()).value
            member.resume(held)
            return while_paused, (await asyncio.wait_for(member.receive(), 60)).value

    assert asyncio.run(scenario()) == (b"3", b"2")


def test_no_source_starves() -> None:
    async def scenario() -> list[str]:
        bus = MemoryBus()
        async with bus.subscribe(["t", "u"], "a", keep) as member:
            await bus.publish([outgoing(i) for i in range(10)])
            await bus.publish([outgoing(0, topic="u")])
            return [(await member.receive()).source.topic for _ in range(2)]

    assert asyncio.run(scenario()) == ["t", "u"]


def test_a_record_without_a_subscriber_is_gone() -> None:
    async def scenario() -> Mapping[Source, int]:
        bus = MemoryBus()
        await bus.publish([outgoing(1)])
        async with bus.subscribe(["t"], "a", keep) as member:
            return member.lags()

    assert asyncio.run(scenario()) == {}


def test_a_second_member_of_a_group_is_refused() -> None:
    async def scenario() -> None:
        bus = MemoryBus()
        async with bus.subscribe(["t"], "a", keep), bus.subscribe(["u", "t"], "a", keep):
            pass

    with pytest.raises(ValueError, match="group a already has a member on t"):
        asyncio.run(scenario())


def test_a_group_may_come_back() -> None:
    async def scenario() -> bytes:
        bus = MemoryBus()
        async with bus.subscribe(["t"], "a", keep):
            await bus.publish([outgoing(1)])
        async with bus.subscribe(["t"], "a", keep) as member:
            await bus.publish([outgoing(2)])
            return (await member.receive()).value

    assert asyncio.run(scenario()) == b"2"


def test_lags_count_what_waits() -> None:
    async def scenario() -> list[int]:
        bus = MemoryBus()
        async with bus.subscribe(["t"], "a", keep) as member:
            await bus.publish([outgoing(i) for i in range(4)])
            await member.receive()
            return list(member.lags().values())

    assert asyncio.run(scenario()) == [3]
