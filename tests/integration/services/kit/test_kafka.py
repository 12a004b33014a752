"""The bus on a real broker: order, takeover, outages. Not used of Tansu: end offsets, transactions."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from services.kit import messages as m
from services.kit.bus import Outgoing, Record, Source
from services.kit.consumer import Receipt, Route, consume, settling
from services.kit.errors import BadInput, BadMessage, Fatal, Unavailable
from services.kit.kafka.bus import KafkaBus, open_kafka_bus
from services.kit.kafka.topics import ensure_topics
from services.kit.rejections import failing
from services.kit.settings import BusSettings
from services.kit.topics import CONTROLS, CUES, SCRIPTS, STATUSES, TYPE_HEADER
from tests.servers.kafka import open_cuttable_kafka
from tests.servers.proxy import Proxy, open_proxy
from tests.servers.tansu import open_tansu

ROOT = Path(__file__).parents[4]
PARTITIONS = 4


def settings_of(address: str, partitions: int = PARTITIONS) -> BusSettings:
    # Where records must come once, a machine that stands still for seconds may cost nobody his place.
    return BusSettings(
        bootstrap_servers=address,
        partitions=partitions,
        session_timeout_s=10,
        request_timeout_s=30,
        fetch_wait_s=0.01,
    )


def hasty(settings: BusSettings) -> BusSettings:
    """For brokers that go away: soon missed, and soon given up."""
    return settings.model_copy(update={"session_timeout_s": 4, "request_timeout_s": 5})


def control(session: str, sequence: int) -> m.Control:
    envelope = m.Envelope(
        tenant="ten_a",
        session_id=session,
        epoch=0,
        sequence=sequence,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return m.Control(envelope=envelope, kind=m.ControlKind.CANCEL)


def outgoing(session: str, sequence: int) -> Outgoing:
    return CONTROLS.outgoing(control(session, sequence))


async def until(is_met: Callable[[], bool], timeout_s: float = 120) -> None:
    async with asyncio.timeout(timeout_s):
        while not is_met():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(bus: KafkaBus, group: str, *routes: Route[m.Control]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(consume(bus, group, routes))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@contextmanager
def member(address: str, group: str, journal: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.services.kit.member", address, group, str(journal)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/proto/gen"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def read_journal(path: Path) -> list[tuple[str, int]]:
    if not path.exists():
        return []
    lines = [line.split() for line in path.read_text().splitlines()]
    return [(line[0], int(line[1])) for line in lines if len(line) == 3]


def is_in_order_but_for_repeats(
    handled: Sequence[tuple[str, int]], elsewhere: Sequence[tuple[str, int]] = ()
) -> bool:
    """Whether every session's sequences rise by one, but for jumps back to one that was seen before.

    What is missing may have been handled `elsewhere`.
    """
    others = set(elsewhere)
    latest: dict[str, int] = defaultdict(lambda: -1)
    for session, sequence in handled:
        if any((session, missing) not in others for missing in range(latest[session] + 1, sequence)):
            return False
        latest[session] = max(latest[session], sequence)
    return True


def test_records_of_a_key_arrive_once_in_order_and_a_group_resumes(kafka_address: str) -> None:
    session, group = f"per_{uuid4().hex}", uuid4().hex
    handled: list[list[int]] = [[], []]

    async def scenario() -> None:
        async with open_kafka_bus(settings_of(kafka_address)) as bus:
            for run in (0, 1):

                async def handle(message: m.Control, run: int = run) -> None:
                    if message.envelope.session_id == session:
                        handled[run].append(message.envelope.sequence)

                await bus.publish([outgoing(session, i) for i in range(run * 100, run * 100 + 100)])
                async with running(bus, group, Route(topic=CONTROLS, handle=settling(handle))):
                    await until(lambda run=run: len(handled[run]) >= 100)  # type: ignore[misc]

    asyncio.run(scenario())
    assert handled == [list(range(100)), list(range(100, 200))]


def test_headers_key_and_bytes_arrive_as_they_were_sent(kafka_address: str) -> None:
    key = f"ten_a/{uuid4().hex}"
    received: list[Record] = []
    sent = Outgoing(topic=SCRIPTS.name, key=key, value=b"\x00\xff" * 1000, headers={"a": b"\x00", "b": b""})

    async def scenario() -> None:
        async with (
            open_kafka_bus(settings_of(kafka_address)) as bus,
            bus.subscribe([SCRIPTS.name], uuid4().hex, keep) as subscription,
        ):
            await bus.publish([sent])
            async with asyncio.timeout(120):
                while not received:
                    record = await subscription.receive()
                    if record.key == key:
                        received.append(record)

    asyncio.run(scenario())
    assert (received[0].value, received[0].headers) == (sent.value, sent.headers)


async def keep(_sources: Sequence[Source]) -> Mapping[Source, int]:
    return {}


def test_equal_partitions_of_two_topics_belong_to_one_member(kafka_address: str) -> None:
    group = uuid4().hex
    owned: list[dict[str, set[int]]] = [defaultdict(set), defaultdict(set)]

    async def join(index: int, bus: KafkaBus) -> None:
        async with bus.subscribe([CONTROLS.name, SCRIPTS.name], group, keep) as subscription:
            while True:
                record = await subscription.receive()
                owned[index][record.source.topic].add(record.source.partition)

    async def scenario() -> None:
        settings = settings_of(kafka_address)
        async with open_kafka_bus(settings) as bus, open_kafka_bus(settings) as other:
            tasks = [asyncio.create_task(join(0, bus)), asyncio.create_task(join(1, other))]
            for round_ in itertools.count():
                records = [outgoing(f"per_{i}", round_) for i in range(40)]
                await bus.publish(
                    [*records, *(Outgoing(topic=SCRIPTS.name, key=r.key, value=r.value) for r in records)]
                )
                await asyncio.sleep(0.1)
                if round_ % 10 == 0:
                    if all(sum(map(len, parts.values())) == PARTITIONS for parts in owned):
                        break
                    # The group was not complete yet, or changed hands meanwhile.
                    for parts in owned:
                        parts.clear()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(asyncio.wait_for(scenario(), 240))
    for parts in owned:
        assert parts[CONTROLS.name] == parts[SCRIPTS.name]
    assert owned[0][CONTROLS.name] | owned[1][CONTROLS.name] == set(range(PARTITIONS))
    assert not owned[0][CONTROLS.name] & owned[1][CONTROLS.name]


def test_after_kill_9_the_other_member_takes_over_and_nothing_is_lost(
    kafka_address: str, tmp_path: Path
) -> None:
    group = uuid4().hex
    sessions = [f"per_{uuid4().hex}" for _ in range(8)]
    journals = [tmp_path / "a", tmp_path / "b"]
    expected: set[tuple[str, int]] = set()

    async def publish(bus: KafkaBus, i: int) -> None:
        await bus.publish([outgoing(session, i) for session in sessions])
        expected.update((session, i) for session in sessions)
        await asyncio.sleep(0.1)

    async def scenario() -> None:
        async with open_kafka_bus(settings_of(kafka_address)) as bus:
            numbers = itertools.count()
            # Twice: what both handle after both were seen to handle shows that the group has settled.
            for _ in range(2):
                expected_before = set(expected)
                while not all((expected - expected_before) & set(read_journal(p)) for p in journals):
                    await publish(bus, next(numbers))
            first.kill()
            for _ in range(10):
                await publish(bus, next(numbers))
            await until(lambda: expected <= {pair for path in journals for pair in read_journal(path)})

    with member(kafka_address, group, journals[0]) as first, member(kafka_address, group, journals[1]):
        asyncio.run(asyncio.wait_for(scenario(), 600))
    handled = [[pair for pair in read_journal(path) if pair in expected] for path in journals]
    assert is_in_order_but_for_repeats(handled[0], elsewhere=handled[1])
    assert is_in_order_but_for_repeats(handled[1], elsewhere=handled[0])


def test_who_joins_amid_a_backlog_costs_nobody_a_record(kafka_address: str) -> None:
    """What a member has fetched and not handled when the group changes, somebody reads again."""
    group, sessions = uuid4().hex, [f"per_{uuid4().hex}" for _ in range(8)]
    expected = {(session, i) for session in sessions for i in range(100)}
    handled: list[list[tuple[str, int]]] = [[], []]

    def slowly(member: int) -> Route[m.Control]:
        async def handle(message: m.Control) -> None:
            about = message.envelope
            if about.session_id in sessions:
                handled[member].append((about.session_id, about.sequence))
                await asyncio.sleep(0.05)

        return Route(topic=CONTROLS, handle=settling(handle))

    async def scenario() -> None:
        settings = settings_of(kafka_address)
        async with open_kafka_bus(settings) as bus, open_kafka_bus(settings) as other:
            for i in range(100):
                await bus.publish([outgoing(session, i) for session in sessions])
            async with running(bus, group, slowly(0)):
                await until(lambda: bool(handled[0]))
                async with running(other, group, slowly(1)):
                    await until(lambda: expected <= {*handled[0], *handled[1]})

    asyncio.run(scenario())
    assert handled[1]
    assert is_in_order_but_for_repeats(handled[0], elsewhere=handled[1])
    assert is_in_order_but_for_repeats(handled[1], elsewhere=handled[0])


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_over_a_random_schedule_of_crashes(
    kafka_address: str, tmp_path: Path, seed: int
) -> None:
    """One member at a time is killed at random moments and started again; records keep coming."""
    randomness = Random(seed)
    group, sessions = uuid4().hex, [f"per_{uuid4().hex}" for _ in range(6)]
    journal = tmp_path / "journal"
    num_published = 0

    async def publish(bus: KafkaBus) -> None:
        nonlocal num_published
        while True:
            await bus.publish([outgoing(session, num_published) for session in sessions])
            num_published += 1
            await asyncio.sleep(0.05)

    async def scenario() -> None:
        async with open_kafka_bus(settings_of(kafka_address)) as bus:
            publishing = asyncio.create_task(publish(bus))
            for _ in range(3):
                with member(kafka_address, group, journal):
                    await asyncio.sleep(randomness.uniform(6.0, 14.0))
            publishing.cancel()
            await asyncio.wait([publishing])
            expected = {(session, i) for session in sessions for i in range(num_published)}
            with member(kafka_address, group, journal):
                await until(lambda: expected <= set(read_journal(journal)))

    asyncio.run(scenario())
    handled = [pair for pair in read_journal(journal) if pair[0] in sessions]
    assert is_in_order_but_for_repeats(handled)


def test_a_broker_that_is_cut_off_for_20_s_loses_nothing_and_all_goes_on_by_itself(tmp_path: Path) -> None:
    handled: list[int] = []
    refused: list[int] = []

    async def publish_insistently(bus: KafkaBus, sequence: int) -> None:
        while True:
            try:
                await bus.publish([outgoing("per_a", sequence)])
                return
            except Unavailable:
                refused.append(sequence)
                await asyncio.sleep(0.2)

    async def handle(message: m.Control) -> None:
        handled.append(message.envelope.sequence)

    async def scenario() -> None:
        with open_cuttable_kafka(tmp_path) as proxy:
            async with (
                open_kafka_bus(hasty(settings_of(proxy.address))) as bus,
                running(bus, "group", Route(topic=CONTROLS, handle=settling(handle))),
            ):
                for i in range(20):
                    await publish_insistently(bus, i)
                await until(lambda: set(handled) == set(range(20)))
                proxy.cut()
                publishing = asyncio.create_task(publish_insistently(bus, 20))
                await asyncio.sleep(20)
                # Whoever publishes is told so, and does not wait for the broker to come back.
                await until(lambda: 20 in refused)
                proxy.restore()
                await publishing
                for i in range(21, 40):
                    await publish_insistently(bus, i)
                await until(lambda: 39 in handled)

    asyncio.run(scenario())
    assert is_in_order_but_for_repeats([("per_a", sequence) for sequence in handled])
    assert set(handled) == set(range(40))


def test_a_broker_that_lost_everything_is_taken_as_it_is(tmp_path: Path) -> None:
    handled: list[int] = []

    async def handle(message: m.Control) -> None:
        handled.append(message.envelope.sequence)

    async def publish_insistently(bus: KafkaBus, sequence: int) -> None:
        while True:
            with suppress(Unavailable):
                await bus.publish([outgoing("per_a", sequence)])
                return

    async def scenario(proxy: Proxy, replace_broker: Callable[[], None]) -> None:
        async with (
            open_kafka_bus(hasty(settings_of(proxy.address))) as bus,
            running(bus, "group", Route(topic=CONTROLS, handle=settling(handle))),
        ):
            await bus.publish([outgoing("per_a", i) for i in range(10)])
            await until(lambda: set(handled) == set(range(10)))
            replace_broker()
            for i in range(100, 105):
                await publish_insistently(bus, i)
            await until(lambda: 104 in handled)

    with ExitStack() as stack:
        proxy = stack.enter_context(open_proxy())

        def start_broker(name: str) -> None:
            (tmp_path / name).mkdir()
            broker = open_tansu(tmp_path / name, advertised=(proxy.host, proxy.port))
            proxy.cut()
            proxy.forward("127.0.0.1", stack.enter_context(broker))
            proxy.restore()

        start_broker("first")
        asyncio.run(scenario(proxy, lambda: start_broker("second")))
    # A publisher that is refused in vain sends twice.
    assert [sequence for sequence in dict.fromkeys(handled) if sequence >= 100] == list(range(100, 105))


def test_a_backlog_is_read_to_its_end_through_pauses(kafka_address: str) -> None:
    session, handled = f"per_{uuid4().hex}", []

    async def handle(message: m.Control) -> None:
        if message.envelope.session_id == session:
            handled.append(message.envelope.sequence)
            await asyncio.sleep(0.001)

    async def scenario() -> None:
        async with open_kafka_bus(settings_of(kafka_address)) as bus:
            for begin in range(0, 2000, 20):
                await bus.publish([outgoing(session, i) for i in range(begin, begin + 20)])
            async with running(bus, uuid4().hex, Route(topic=CONTROLS, handle=settling(handle))):
                await until(lambda: len(handled) == 2000)

    asyncio.run(scenario())
    assert handled == list(range(2000))


def test_a_slow_handler_keeps_its_partition(kafka_address: str) -> None:
    """Handling the first takes longer than the session timeout of the group."""
    session, handled = f"per_{uuid4().hex}", []

    async def handle(message: m.Control, receipt: Receipt) -> None:
        if message.envelope.session_id == session:
            handled.append(message.envelope.sequence)
            await asyncio.sleep(15 if message.envelope.sequence == 0 else 0)
        receipt.settle()

    async def scenario() -> None:
        async with open_kafka_bus(settings_of(kafka_address)) as bus:
            await bus.publish([outgoing(session, 0), outgoing(session, 1)])
            async with running(bus, uuid4().hex, Route(topic=CONTROLS, handle=handle)):
                await until(lambda: 1 in handled)

    asyncio.run(scenario())
    assert handled == [0, 1]


def test_poison_is_set_aside_on_the_broker_and_the_loop_goes_on(kafka_address: str) -> None:
    session, handled, letters = f"per_{uuid4().hex}", [], []
    randomness = Random(7)

    async def handle(message: m.Control) -> None:
        if message.envelope.session_id == session:
            handled.append(message.envelope.sequence)

    async def collect(bus: KafkaBus) -> None:
        async with bus.subscribe([CONTROLS.dead], uuid4().hex, keep) as subscription:
            while True:
                record: Record = await subscription.receive()
                if record.key == session:
                    letters.append(record)

    async def scenario() -> None:
        async with open_kafka_bus(settings_of(kafka_address)) as bus:
            collecting = asyncio.create_task(collect(bus))
            async with running(bus, uuid4().hex, Route(topic=CONTROLS, handle=settling(handle))):
                await bus.publish(
                    [
                        Outgoing(
                            topic=CONTROLS.name,
                            key=session,
                            value=randomness.randbytes(i),
                            headers={TYPE_HEADER: CONTROLS.type_name.encode()} if i % 2 else {},
                        )
                        for i in range(50)
                    ]
                )
                await bus.publish([outgoing(session, 0)])
                await until(lambda: handled == [0] and len(letters) == 50)
            collecting.cancel()
            await asyncio.wait([collecting])

    asyncio.run(scenario())
    assert {letter.headers["dead-error"] for letter in letters} == {b"BadMessage"}


def test_a_rejected_message_of_a_session_says_that_the_session_failed(kafka_address: str) -> None:
    session, statuses = f"per_{uuid4().hex}", []

    class StoppedClock:
        def now(self) -> datetime:
            return datetime(2026, 1, 1, tzinfo=UTC)

        def monotonic(self) -> float:
            return 0.0

    async def refuse(message: m.Control) -> None:
        if message.envelope.session_id == session:
            raise BadInput("the file is empty")

    async def hear(message: m.Status) -> None:
        if message.envelope.session_id == session:
            statuses.append((message.stage, message.kind, message.code, message.detail))

    async def scenario() -> None:
        async with open_kafka_bus(settings_of(kafka_address)) as bus:
            refusing = Route(
                topic=CONTROLS, handle=settling(refuse), on_rejected=failing(bus, "encoding", StoppedClock())
            )
            listening = asyncio.create_task(
                consume(bus, uuid4().hex, [Route(topic=STATUSES, handle=settling(hear))])
            )
            async with running(bus, uuid4().hex, refusing):
                await bus.publish([outgoing(session, 0)])
                await until(lambda: bool(statuses))
            listening.cancel()
            await asyncio.wait([listening])

    asyncio.run(scenario())
    assert statuses == [("encoding", m.StatusKind.FAILED, "bad_input", "the file is empty")]


def test_many_services_may_make_the_topics_at_once(tmp_path: Path) -> None:
    with open_cuttable_kafka(tmp_path) as proxy:

        async def scenario() -> None:
            names = [CONTROLS.name, CUES.name, CUES.dead]
            async with asyncio.TaskGroup() as tasks:
                for _ in range(6):
                    tasks.create_task(asyncio.to_thread(ensure_topics, settings_of(proxy.address), names))

        asyncio.run(scenario())
        ensure_topics(settings_of(proxy.address), [CONTROLS.name])


def test_topics_with_other_partitions_are_fatal(kafka_address: str) -> None:
    ensure_topics(settings_of(kafka_address), [CONTROLS.name])
    with pytest.raises(Fatal, match=f"{CONTROLS.name} has 4 partitions, expected 5"):
        ensure_topics(settings_of(kafka_address, partitions=5), [CONTROLS.name])


def test_a_record_that_is_too_large_is_refused(kafka_address: str) -> None:
    async def scenario() -> None:
        async with open_kafka_bus(settings_of(kafka_address)) as bus:
            await bus.publish([Outgoing(topic=CONTROLS.name, key="k", value=bytes(5 << 20))])

    with pytest.raises(BadMessage, match="larger than 4194304 bytes"):
        asyncio.run(scenario())
