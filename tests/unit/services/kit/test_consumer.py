from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.kit import messages as m
from services.kit.backoff import Backoff
from services.kit.bus import OnRevoked, Outgoing, Record, Source
from services.kit.consumer import Receipt, Route, consume, settling
from services.kit.errors import BadInput, Fatal, Rejected, Retryable, Stale, Unavailable
from services.kit.telemetry import Telemetry
from services.kit.topics import CONTROLS, TYPE_HEADER

HASTE = Backoff(first_s=0.001, longest_s=0.001)


class ScriptedBus:
    """A bus whose records, outages and revocations the test decides."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.commits: list[dict[Source, int]] = []
        self.num_outages = 0
        self.on_revoked: OnRevoked | None = None
        self.paused: set[Source] = set()
        self.is_closed = False
        self._records: asyncio.Queue[Record] = asyncio.Queue()
        self._next: dict[int, int] = {}

    def send(self, sequence: int, partition: int = 0, headers: Mapping[str, bytes] | None = None) -> None:
        offset = self._next.get(partition, 0)
        self._next[partition] = offset + 1
        outgoing = CONTROLS.outgoing(control(sequence))
        self._records.put_nowait(
            Record(
                source=source(partition),
                offset=offset,
                key=outgoing.key,
                value=outgoing.value,
                headers=outgoing.headers if headers is None else headers,
            )
        )

    def rewind(self, partition: int, offset: int) -> None:
        self._next[partition] = offset

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if self.num_outages:
            self.num_outages -= 1
            raise Unavailable("no broker")
        self.published.extend(records)

    @asynccontextmanager
    async def subscribe(
        self, topics: Iterable[str], group: str, on_revoked: OnRevoked
    ) -> AsyncIterator[ScriptedBus]:
        self.on_revoked = on_revoked
        try:
            yield self
        finally:
            self.is_closed = True

    async def receive(self) -> Record:
        return await self._records.get()

    def pause(self, source: Source) -> None:
        self.paused.add(source)

    def resume(self, source: Source) -> None:
        self.paused.discard(source)

    async def commit(self, offsets: Mapping[Source, int]) -> None:
        self.commits.append(dict(offsets))

    def lags(self) -> Mapping[Source, int]:
        return {}

    async def revoke(self, *sources: Source) -> Mapping[Source, int]:
        assert self.on_revoked is not None
        return await self.on_revoked(sources)


def source(partition: int) -> Source:
    return Source(CONTROLS.name, partition)


def control(sequence: int) -> m.Control:
    envelope = m.Envelope(
        tenant="ten_a",
        session_id="per_a",
        epoch=0,
        sequence=sequence,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return m.Control(envelope=envelope, kind=m.ControlKind.CANCEL)


async def until(is_met: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_met():
            await asyncio.sleep(0.001)


def run_loop(
    route: Route[m.Control],
    scenario: Callable[[ScriptedBus], Awaitable[None]],
    telemetry: Telemetry | None = None,
    grace_s: float = 60.0,
) -> ScriptedBus:
    """The bus after the scenario; the loop is cancelled then, as a shutdown does."""

    async def live() -> ScriptedBus:
        bus = ScriptedBus()
        loop = asyncio.create_task(
            consume(bus, "group", [route], telemetry=telemetry, backoff=HASTE, grace_s=grace_s)
        )
        acting = asyncio.ensure_future(scenario(bus))
        await asyncio.wait([loop, acting], return_when=asyncio.FIRST_COMPLETED)
        if not loop.done():
            await acting
            loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
        return bus

    return asyncio.run(live())


def failing_with(*errors: Exception) -> tuple[list[int], Callable[[m.Control, Receipt], Awaitable[None]]]:
    """A handler that raises these errors first, and the sequences it saw."""
    seen: list[int] = []
    left = list(errors)

    async def handle(message: m.Control, receipt: Receipt) -> None:
        seen.append(message.envelope.sequence)
        if left:
            raise left.pop(0)
        receipt.settle()

    return seen, handle


def test_what_is_handled_is_settled_and_committed_at_the_end() -> None:
    seen: list[int] = []

    async def handle(message: m.Control) -> None:
        seen.append(message.envelope.sequence)

    async def scenario(bus: ScriptedBus) -> None:
        for i in range(3):
            bus.send(i)
        await until(lambda: len(seen) == 3)

    bus = run_loop(Route(topic=CONTROLS, handle=settling(handle)), scenario)
    assert seen == [0, 1, 2]
    assert bus.commits[-1] == {source(0): 3}
    assert bus.is_closed


def test_an_unsettled_record_holds_the_commit_back() -> None:
    receipts: list[Receipt] = []

    async def handle(message: m.Control, receipt: Receipt) -> None:
        receipts.append(receipt)

    async def scenario(bus: ScriptedBus) -> None:
        for i in range(3):
            bus.send(i)
        await until(lambda: len(receipts) == 3)
        receipts[0].settle()
        receipts[2].settle()

    assert run_loop(Route(topic=CONTROLS, handle=handle), scenario).commits[-1] == {source(0): 1}


def test_a_retryable_error_is_tried_again_and_the_next_record_waits() -> None:
    seen, handle = failing_with(Unavailable("a"), Retryable("b"))

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0)
        bus.send(1)
        await until(lambda: seen[-1:] == [1])

    bus = run_loop(Route(topic=CONTROLS, handle=handle), scenario)
    assert seen == [0, 0, 0, 1]
    assert bus.published == []


def test_a_rejected_message_goes_to_the_dead_letters_with_its_reasons() -> None:
    seen, handle = failing_with(BadInput("no face"))

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0)
        bus.send(1)
        await until(lambda: len(seen) == 2)

    bus = run_loop(Route(topic=CONTROLS, handle=handle), scenario)
    (letter,) = bus.published
    assert letter.topic == CONTROLS.dead
    assert letter.value == CONTROLS.encode(control(0))
    assert letter.headers["dead-error"] == b"BadInput"
    assert letter.headers["dead-reason"] == b"no face"
    assert letter.headers["dead-group"] == b"group"
    assert letter.headers["dead-source"] == f"{CONTROLS.name}/0/0".encode()
    assert letter.headers[TYPE_HEADER] == b"dramatis.session.v1.Control"
    assert bus.commits[-1] == {source(0): 2}


def test_a_dead_letter_waits_for_the_bus_without_handling_again() -> None:
    seen, handle = failing_with(BadInput("no face"))

    async def scenario(bus: ScriptedBus) -> None:
        bus.num_outages = 3
        bus.send(0)
        await until(lambda: bool(bus.published))

    bus = run_loop(Route(topic=CONTROLS, handle=handle), scenario)
    assert seen == [0]
    assert bus.commits[-1] == {source(0): 1}


def test_who_waits_is_told_of_a_rejection_before_the_record_is_settled() -> None:
    told: list[str] = []
    attempts = iter([Unavailable("later"), None])
    _, handle = failing_with(BadInput("no face"))

    async def tell(message: m.Control, error: Rejected) -> None:
        if outage := next(attempts):
            raise outage
        told.append(str(error))

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0)
        await until(lambda: bool(bus.published))

    run_loop(Route(topic=CONTROLS, handle=handle, on_rejected=tell), scenario)
    assert told == ["no face"]


def test_a_stale_message_is_counted_and_settled() -> None:
    seen, handle = failing_with(Stale("old epoch"))
    telemetry = Telemetry()

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0)
        bus.send(1)
        await until(lambda: len(seen) == 2)

    bus = run_loop(Route(topic=CONTROLS, handle=handle), scenario, telemetry)
    assert bus.published == []
    assert bus.commits[-1] == {source(0): 2}
    counts = {
        outcome: telemetry.registry.get_sample_value(
            "dramatis_records_total",
            {"group": "group", "topic": CONTROLS.name, "outcome": outcome, "tenant": "ten_a"},
        )
        for outcome in ("consumed", "settled", "stale", "dead")
    }
    assert counts == {"consumed": 2, "settled": 2, "stale": 1, "dead": None}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {TYPE_HEADER: b"dramatis.session.v2.Control"},
        {TYPE_HEADER: b"dramatis.session.v1.Status"},
        {TYPE_HEADER: b"\xff\xfe"},
    ],
)
def test_a_record_of_another_type_or_version_is_set_aside_unread(headers: Mapping[str, bytes]) -> None:
    seen, handle = failing_with()

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0, headers=headers)
        await until(lambda: bool(bus.published))

    bus = run_loop(Route(topic=CONTROLS, handle=handle), scenario)
    assert seen == []
    assert bus.published[0].headers["dead-error"] == b"BadMessage"


@pytest.mark.parametrize("error", [Fatal("device lost"), ZeroDivisionError("a bug")])
def test_any_other_error_ends_the_loop_as_itself_and_is_not_committed(error: Exception) -> None:
    _, handle = failing_with(error)
    bus = ScriptedBus()

    async def live() -> None:
        bus.send(0)
        await asyncio.wait_for(consume(bus, "group", [Route(topic=CONTROLS, handle=handle)]), 60)

    with pytest.raises(type(error), match=str(error)):
        asyncio.run(live())
    assert bus.commits in ([], [{source(0): 0}])
    assert bus.is_closed


def test_a_handler_that_is_cancelled_from_inside_does_not_stop_its_partition_silently() -> None:
    async def handle(message: m.Control, receipt: Receipt) -> None:
        raise asyncio.CancelledError

    async def live() -> None:
        bus = ScriptedBus()
        bus.send(0)
        await asyncio.wait_for(consume(bus, "group", [Route(topic=CONTROLS, handle=handle)]), 60)

    with pytest.raises(RuntimeError, match="was cancelled from inside"):
        asyncio.run(live())


def test_shutdown_lets_the_running_handler_finish_and_begins_no_other() -> None:
    began: list[int] = []
    ended: list[int] = []
    gate = asyncio.Event()
    bus = ScriptedBus()

    async def handle(message: m.Control) -> None:
        began.append(message.envelope.sequence)
        await gate.wait()
        ended.append(message.envelope.sequence)

    async def live() -> None:
        loop = asyncio.create_task(
            consume(bus, "group", [Route(topic=CONTROLS, handle=settling(handle))], grace_s=60.0)
        )
        bus.send(0)
        bus.send(1)
        await until(lambda: bool(began))
        loop.cancel()
        gate.set()
        with suppress(asyncio.CancelledError):
            await loop

    asyncio.run(live())
    assert (began, ended) == ([0], [0])
    assert bus.commits[-1] == {source(0): 1}


def test_shutdown_does_not_wait_longer_than_its_grace() -> None:
    began: list[int] = []

    async def handle(message: m.Control) -> None:
        began.append(message.envelope.sequence)
        await asyncio.Event().wait()

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0)
        await until(lambda: bool(began))

    bus = run_loop(Route(topic=CONTROLS, handle=settling(handle)), scenario, grace_s=0.02)
    assert bus.commits == [{source(0): 0}]


def test_shutdown_does_not_wait_for_what_is_tried_again() -> None:
    attempts: list[int] = []

    async def handle(message: m.Control) -> None:
        attempts.append(message.envelope.sequence)
        raise Unavailable("for ever")

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0)
        await until(lambda: len(attempts) > 1)

    bus = run_loop(Route(topic=CONTROLS, handle=settling(handle)), scenario, grace_s=1e6)
    assert bus.commits == [{source(0): 0}]


def test_a_revocation_ends_the_handler_before_it_releases_the_partition() -> None:
    events: list[str] = []

    async def handle(message: m.Control) -> None:
        events.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            events.append("ended")

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0, partition=2)
        await until(lambda: bool(events))
        assert await bus.revoke(source(2)) == {source(2): 0}

    route = Route(
        topic=CONTROLS,
        handle=settling(handle),
        release=lambda partition: events.append(f"released {partition}"),
    )
    run_loop(route, scenario)
    assert events == ["began", "ended", "released 2"]


def test_a_receipt_of_a_revoked_partition_settles_nothing_of_the_next_assignment() -> None:
    receipts: list[Receipt] = []

    async def handle(message: m.Control, receipt: Receipt) -> None:
        receipts.append(receipt)

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0)
        await until(lambda: len(receipts) == 1)
        await bus.revoke(source(0))
        bus.rewind(0, 0)
        bus.send(0)
        await until(lambda: len(receipts) == 2)
        receipts[0].settle()

    assert run_loop(Route(topic=CONTROLS, handle=handle), scenario).commits[-1] == {source(0): 0}


def test_a_log_that_begins_anew_releases_its_partition_and_is_read() -> None:
    seen: list[int] = []
    released: list[int] = []

    async def handle(message: m.Control) -> None:
        seen.append(message.envelope.sequence)

    async def scenario(bus: ScriptedBus) -> None:
        bus.rewind(0, 40)
        bus.send(0)
        await until(lambda: len(seen) == 1)
        bus.rewind(0, 0)
        bus.send(1)
        await until(lambda: len(seen) == 2)

    bus = run_loop(Route(topic=CONTROLS, handle=settling(handle), release=released.append), scenario)
    assert released == [0]
    assert bus.commits[-1] == {source(0): 1}


def test_partitions_are_handled_beside_each_other() -> None:
    seen: list[int] = []
    gate = asyncio.Event()

    async def handle(message: m.Control) -> None:
        if message.envelope.sequence == 0:
            await gate.wait()
        seen.append(message.envelope.sequence)

    async def scenario(bus: ScriptedBus) -> None:
        bus.send(0, partition=0)
        bus.send(1, partition=1)
        await until(lambda: seen == [1])
        gate.set()
        await until(lambda: seen == [1, 0])

    run_loop(Route(topic=CONTROLS, handle=settling(handle)), scenario)
    assert seen == [1, 0]


def test_a_source_with_many_records_waiting_is_paused_until_half_of_them_are_done() -> None:
    gate = asyncio.Event()
    seen: list[int] = []
    pauses: list[bool] = []

    async def handle(message: m.Control) -> None:
        await gate.wait()
        seen.append(message.envelope.sequence)

    async def scenario(bus: ScriptedBus) -> None:
        for i in range(70):
            bus.send(i)
        await until(lambda: bool(bus.paused))
        pauses.append(source(0) in bus.paused)
        gate.set()
        await until(lambda: len(seen) == 70)
        pauses.append(source(0) in bus.paused)

    run_loop(Route(topic=CONTROLS, handle=settling(handle)), scenario)
    assert pauses == [True, False]


def test_a_commit_that_fails_is_made_again_at_the_end() -> None:
    class Forgetful(ScriptedBus):
        async def commit(self, offsets: Mapping[Source, int]) -> None:
            await super().commit(offsets)
            if len(self.commits) == 1:
                raise Unavailable("no coordinator")

    async def live() -> list[dict[Source, int]]:
        bus = Forgetful()
        _, handle = failing_with()
        loop = asyncio.create_task(consume(bus, "group", [Route(topic=CONTROLS, handle=handle)]))
        bus.send(0)
        await until(lambda: len(bus.commits) == 1)
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
        return bus.commits

    assert asyncio.run(live()) == [{source(0): 1}] * 2


def test_pauses_grow_to_their_bound_and_jitter_only_shortens_them() -> None:
    steady = Backoff(first_s=0.1, longest_s=1.0, jitter=lambda: 0.0)
    assert [steady.pause_s(attempt) for attempt in (1, 2, 3, 4, 5, 1000)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert replace(steady, jitter=lambda: 0.5).pause_s(5) == 0.75
