"""Deliveries, with a receiver and a clock of ours."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from services.kit.database.database import Database
from services.kit.database.tables import DeliveryState, WebhookDelivery, WebhookEndpoint
from services.kit.egress import Answer, EgressRefused
from services.kit.errors import Unavailable
from services.kit.telemetry import Telemetry
from services.worker.domain.delivery import DELAYS
from services.worker.metrics import Metrics
from services.worker.settings import WebhookSettings
from services.worker.webhooks import Tools, Webhooks, open_webhooks
from tests.webhooks.rows import NOW, SECRET, HandClock, add_endpoint, tell

pytestmark = pytest.mark.anyio

URL = "https://hooks.example.com/in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    url: str
    body: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Receiver:
    """A sender that reaches a receiver of ours: it answers in turn, then always the last."""

    answers: list[Answer | Exception] = field(default_factory=lambda: [answer(200)])
    posted: list[Posted] = field(default_factory=list)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, max_answer_bytes: int
    ) -> Answer:
        self.posted.append(Posted(url=url, body=body.decode(), headers=dict(headers)))
        await self.is_open.wait()
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(said, Exception):
            raise said
        return said


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(
        status=status, headers={name.replace("_", "-"): headers[name] for name in headers}, body=body
    )


@pytest.fixture
def receiver() -> Receiver:
    opened = Receiver()
    opened.is_open.set()
    return opened


@pytest.fixture
def tools(database: Database, clock: HandClock, telemetry: Telemetry, receiver: Receiver) -> Tools:
    return Tools(
        database=database,
        sender=receiver,
        clock=clock,
        jitter=lambda: 0.0,
        metrics=Metrics(telemetry),
        settings=WebhookSettings(max_in_flight=8, max_in_flight_per_endpoint=2),
    )


@asynccontextmanager
async def sending(tools: Tools) -> AsyncIterator[Webhooks]:
    async with open_webhooks(tools) as webhooks:
        yield webhooks


async def send_all(tools: Tools) -> None:
    async with sending(tools) as webhooks:
        await webhooks.send_due()


async def deliveries(database: Database) -> list[WebhookDelivery]:
    async with database.read() as session:
        return list((await session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))).all())


async def only_delivery(database: Database) -> WebhookDelivery:
    [row] = await deliveries(database)
    return row


async def endpoint(database: Database, name: str = "whe_1") -> WebhookEndpoint:
    async with database.read() as session:
        return await session.get_one(WebhookEndpoint, name)


async def test_a_due_event_is_posted_and_delivered(
    database: Database, tools: Tools, receiver: Receiver
) -> None:
    await add_endpoint(database, URL)
    await tell(database)
    await send_all(tools)
    [posted] = receiver.posted
    row = await only_delivery(database)
    assert json.loads(posted.body) == {
        "type": "character.ready",
        "timestamp": "2026-11-21T12:00:00.000Z",
        "data": {"id": "chr_0"},
    }
    assert (posted.url, posted.headers["webhook-id"]) == (URL, row.event_id)
    assert (row.state, row.attempts, row.response_status) == (DeliveryState.DELIVERED, 1, 200)
    assert row.finished_at == NOW
    assert row.next_attempt_at is None


async def test_a_receiver_verifies_with_the_secret_and_during_rotation_with_either(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    # The receivers' verifier reads the machine's clock.
    clock.moment = datetime.now(UTC)
    await add_endpoint(database, URL)
    old, new = SECRET, "whsec_" + b64encode(b"n" * 24).decode()
    async with database.begin() as session:
        row = await session.get_one(WebhookEndpoint, "whe_1")
        row.secret, row.previous_secret = new, old
        row.previous_secret_expires_at = clock.moment + timedelta(hours=1)
    await tell(database, clock.moment)
    await send_all(tools)
    [posted] = receiver.posted
    verified = [Webhook(secret).verify(posted.body, dict(posted.headers)) for secret in (new, old)]
    assert [each["data"] for each in verified] == [{"id": "chr_0"}] * 2


async def test_after_the_overlap_only_the_new_secret_signs(
    database: Database, tools: Tools, receiver: Receiver
) -> None:
    await add_endpoint(database, URL)
    async with database.begin() as session:
        row = await session.get_one(WebhookEndpoint, "whe_1")
        row.previous_secret, row.previous_secret_expires_at = SECRET, NOW
    await tell(database)
    await send_all(tools)
    assert len(receiver.posted[0].headers["webhook-signature"].split()) == 1


async def test_a_dead_receiver_is_tried_ten_times_over_days_with_one_id_and_one_body(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    receiver.answers = [Unavailable("nobody listens")]
    await add_endpoint(database, URL)
    await tell(database)
    for wait in DELAYS:
        clock.pass_time(wait - timedelta(seconds=1) if wait else timedelta(0))
        if wait:
            await send_all(tools)
            clock.pass_time(timedelta(seconds=1))
        await send_all(tools)
    clock.pass_time(timedelta(days=30))
    await send_all(tools)
    row = await only_delivery(database)
    assert len(receiver.posted) == 10
    assert {(each.headers["webhook-id"], each.body) for each in receiver.posted} == {
        (row.event_id, receiver.posted[0].body)
    }
    assert len({each.headers["webhook-timestamp"] for each in receiver.posted}) == 10
    assert (row.state, row.attempts, row.error) == (DeliveryState.EXHAUSTED, 10, "nobody listens")


async def test_a_receiver_that_recovers_gets_what_it_missed(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    receiver.answers = [answer(500, b"sorry\0"), answer(204)]
    await add_endpoint(database, URL)
    await tell(database)
    await send_all(tools)
    failed = await only_delivery(database)
    clock.pass_time(DELAYS[1])
    await send_all(tools)
    row = await only_delivery(database)
    assert (failed.state, failed.response_snippet) == (DeliveryState.PENDING, "sorry\ufffd")
    assert failed.error == "the endpoint answered 500, expected 2xx"
    assert (row.state, row.attempts, row.error) == (DeliveryState.DELIVERED, 2, None)


async def test_retry_after_puts_the_next_attempt_off(
    database: Database, tools: Tools, receiver: Receiver
) -> None:
    receiver.answers = [answer(429, retry_after="3600")]
    await add_endpoint(database, URL)
    await tell(database)
    await send_all(tools)
    assert (await only_delivery(database)).next_attempt_at == NOW + timedelta(hours=1)


async def test_gone_disables_the_endpoint_and_gives_up_what_waits(
    database: Database, tools: Tools, receiver: Receiver
) -> None:
    receiver.answers = [answer(410)]
    await add_endpoint(database, URL)
    await tell(database, number=5)
    await send_all(tools)
    await send_all(tools)
    row = await endpoint(database)
    assert (row.is_enabled, row.disabled_reason) == (False, "gone")
    assert {each.state for each in await deliveries(database)} == {DeliveryState.CANCELLED}
    assert len(receiver.posted) <= 2


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (EgressRefused("hooks has an address that is not public"), "hooks has an address that is not public"),
        (answer(302, location="http://169.254.169.254/"), "redirects are not followed"),
    ],
)
async def test_what_would_lead_elsewhere_is_an_attempt_that_failed(
    database: Database, tools: Tools, receiver: Receiver, said: Answer | Exception, error: str
) -> None:
    receiver.answers = [said]
    await add_endpoint(database, URL)
    await tell(database)
    await send_all(tools)
    row = await only_delivery(database)
    assert row.state is DeliveryState.PENDING
    assert row.error is not None
    assert error in row.error


async def test_a_slow_receiver_does_not_hold_up_the_others(
    database: Database, tools: Tools, receiver: Receiver
) -> None:
    receiver.is_open.clear()
    await add_endpoint(database, "https://slow.example.com/", "whe_1")
    await tell(database, number=20)
    await add_endpoint(database, "https://swift.example.com/", "whe_2", "ten_2")
    await tell(database, tenant="ten_2")
    async with sending(tools) as webhooks:
        await webhooks.send_due()
        await asyncio.sleep(0.01)
        at_once = [each.url for each in receiver.posted]
        await webhooks.send_due()
        await asyncio.sleep(0.01)
        assert len(receiver.posted) == len(at_once)
        receiver.is_open.set()
    assert sorted(at_once) == ["https://slow.example.com/"] * 2 + ["https://swift.example.com/"]


async def test_what_a_silent_worker_had_claimed_is_sent_again_when_its_lease_ends(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    await add_endpoint(database, URL)
    await tell(database)
    silent = Receiver(answers=[answer(500)])
    late = asyncio.create_task(send_all(replace(tools, sender=silent)))
    while not silent.posted:
        await asyncio.sleep(0.01)
    await send_all(tools)
    before = len(receiver.posted)
    clock.pass_time(timedelta(seconds=tools.settings.lease_s))
    await send_all(tools)
    silent.is_open.set()
    await late
    row = await only_delivery(database)
    assert (before, len(receiver.posted)) == (0, 1)
    assert receiver.posted[0].headers["webhook-id"] == silent.posted[0].headers["webhook-id"]
    # What the silent one has to say in the end is not written over it.
    assert (row.state, row.attempts, row.response_status) == (DeliveryState.DELIVERED, 2, 200)


async def test_an_endpoint_that_is_deleted_during_an_attempt_is_forgotten(
    database: Database, tools: Tools, receiver: Receiver
) -> None:
    receiver.is_open.clear()
    await add_endpoint(database, URL)
    await tell(database)
    async with sending(tools) as webhooks:
        await webhooks.send_due()
        async with database.begin() as session:
            await session.delete(await session.get_one(WebhookEndpoint, "whe_1"))
        receiver.is_open.set()
    assert await deliveries(database) == []


async def test_attempts_are_counted_by_tenant(database: Database, tools: Tools, telemetry: Telemetry) -> None:
    await add_endpoint(database, URL)
    await tell(database, number=2)
    await send_all(tools)
    labels = {"outcome": "delivered", "tenant": "ten_1"}
    value = telemetry.registry.get_sample_value("dramatis_worker_webhook_attempts_total", labels)
    assert value == 2
