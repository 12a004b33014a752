"""Webhooks from PostgreSQL through the egress guard to a real receiver, with a clock moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from services.kit.database.database import Database
from services.kit.database.events import redeliver
from services.kit.database.tables import DeliveryState, WebhookDelivery, WebhookEndpoint
from services.kit.egress import Egress, EgressPolicy
from services.kit.telemetry import Telemetry
from services.worker.domain.delivery import DELAYS
from services.worker.metrics import Metrics
from services.worker.settings import WebhookSettings
from services.worker.webhooks import Tools, open_webhooks
from tests.servers.processes import free_port
from tests.webhooks.receiver import Receiver
from tests.webhooks.rows import SECRET, HandClock, add_endpoint, tell

pytestmark = pytest.mark.anyio

LOOPBACK = EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def clock() -> HandClock:
    # The receivers' verifier reads the machine's clock.
    return HandClock(datetime.now(UTC))


def tools_of(database: Database, clock: HandClock, egress: Egress) -> Tools:
    return Tools(
        database=database,
        sender=egress,
        clock=clock,
        jitter=lambda: 0.0,
        metrics=Metrics(Telemetry()),
        settings=WebhookSettings(timeout_s=60.0),
    )


@pytest.fixture
def tools(database: Database, clock: HandClock) -> Tools:
    return tools_of(database, clock, Egress(LOOPBACK))


async def send_all(tools: Tools) -> None:
    async with open_webhooks(tools) as webhooks:
        await webhooks.send_due()


async def deliveries(database: Database) -> Sequence[WebhookDelivery]:
    async with database.read() as session:
        return (await session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))).all()


async def test_a_webhook_arrives_signed(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    await add_endpoint(database, f"{receiver.url}/in?x=1")
    await tell(database, clock.now())
    await send_all(tools)
    [request] = receiver.requests
    [row] = await deliveries(database)
    assert Webhook(SECRET).verify(request.body, dict(request.headers))["data"] == {"id": "chr_0"}
    assert (request.path, request.headers["content-type"]) == ("/in?x=1", "application/json")
    assert (row.state, row.event_id) == (DeliveryState.DELIVERED, request.message_id)


async def test_failures_are_tried_again_on_schedule_until_the_receiver_recovers(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    receiver.status = 503
    await add_endpoint(database, receiver.url)
    await tell(database, clock.now())
    for wait in DELAYS[:4]:
        clock.pass_time(wait)
        await send_all(tools)
        await send_all(tools)
    receiver.status = 200
    clock.pass_time(DELAYS[4])
    await send_all(tools)
    [row] = await deliveries(database)
    assert len(receiver.requests) == 5
    assert len({request.message_id for request in receiver.requests}) == 1
    assert (row.state, row.attempts) == (DeliveryState.DELIVERED, 5)


async def test_a_dead_receiver_exhausts_the_delivery(
    database: Database, tools: Tools, clock: HandClock
) -> None:
    await add_endpoint(database, f"http://127.0.0.1:{free_port()}/")
    await tell(database, clock.now())
    for wait in DELAYS:
        clock.pass_time(wait)
        await send_all(tools)
    [row] = await deliveries(database)
    assert (row.state, row.attempts) == (DeliveryState.EXHAUSTED, 10)
    assert row.error == "127.0.0.1 cannot be reached: ConnectError"


async def test_a_receiver_that_never_answers_is_left_at_the_deadline(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    receiver.may_answer.clear()
    await add_endpoint(database, receiver.url)
    await tell(database, clock.now())
    await send_all(replace(tools, settings=WebhookSettings(timeout_s=0.5)))
    [row] = await deliveries(database)
    assert (row.state, row.error) == (DeliveryState.PENDING, "127.0.0.1 took more than 0.5 s")


async def test_a_redelivery_has_the_same_id(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    await add_endpoint(database, receiver.url)
    await tell(database, clock.now())
    await send_all(tools)
    async with database.begin() as session:
        [delivery] = await session.scalars(select(WebhookDelivery))
        redeliver(session, delivery, await session.get_one(WebhookEndpoint, "whe_1"), clock.now())
    await send_all(tools)
    first, second = receiver.requests
    assert (first.message_id, first.body) == (second.message_id, second.body)
    assert [row.state for row in await deliveries(database)] == [DeliveryState.DELIVERED] * 2


async def test_gone_disables_the_endpoint(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    receiver.status = 410
    await add_endpoint(database, receiver.url)
    await tell(database, clock.now())
    await send_all(tools)
    await tell(database, clock.now())
    async with database.read() as session:
        endpoint = await session.get_one(WebhookEndpoint, "whe_1")
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (False, "gone")
    assert [row.state for row in await deliveries(database)] == [DeliveryState.CANCELLED]


async def test_workers_beside_each_other_send_each_webhook_once(
    database: Database, receiver: Receiver, clock: HandClock
) -> None:
    await add_endpoint(database, f"{receiver.url}/1", "whe_1", "ten_1")
    await add_endpoint(database, f"{receiver.url}/2", "whe_2", "ten_2")
    for tenant in ("ten_1", "ten_2"):
        await tell(database, clock.now(), tenant, number=40)
    workers = [tools_of(database, clock, Egress(LOOPBACK)) for _ in range(4)]

    async def work(tools: Tools) -> None:
        async with open_webhooks(tools) as webhooks:
            while any(row.state is DeliveryState.PENDING for row in await deliveries(database)):
                await webhooks.send_due()

    async with asyncio.timeout(240):
        await asyncio.gather(*(work(tools) for tools in workers))
    ids = [request.message_id for request in receiver.requests]
    assert (len(ids), len(set(ids))) == (80, 80)


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["10.0.0.8"]],
)
async def test_a_name_that_leads_into_our_network_gets_nothing(
    database: Database, receiver: Receiver, clock: HandClock, addresses: list[str]
) -> None:
    async def resolve(host: str) -> Sequence[str]:
        return addresses

    port = receiver.url.rpartition(":")[2]
    await add_endpoint(database, f"http://hooks.example.com:{port}/")
    await tell(database, clock.now())
    await send_all(tools_of(database, clock, Egress(EgressPolicy(ports=(int(port),)), resolve)))
    [row] = await deliveries(database)
    assert receiver.requests == []
    assert (row.state, row.response_status) == (DeliveryState.PENDING, None)
    assert row.error == "hooks.example.com has an address that is not public"


async def test_a_name_that_is_bound_anew_between_attempts_is_checked_anew(
    database: Database, receiver: Receiver, clock: HandClock
) -> None:
    """The first answer is one that may be reached (opened here), each later one is the metadata service."""
    answers = [["127.0.0.1"]]

    async def resolve(host: str) -> Sequence[str]:
        return answers.pop() if answers else ["169.254.169.254"]

    receiver.status = 500
    port = receiver.url.rpartition(":")[2]
    await add_endpoint(database, f"http://hooks.example.com:{port}/")
    await tell(database, clock.now())
    tools = tools_of(database, clock, Egress(LOOPBACK, resolve))
    await send_all(tools)
    clock.pass_time(DELAYS[1])
    await send_all(tools)
    [row] = await deliveries(database)
    assert len(receiver.requests) == 1
    assert (row.attempts, row.error) == (2, "hooks.example.com has an address that is not public")


async def test_a_redirect_to_the_metadata_service_is_not_followed(
    database: Database, tools: Tools, receiver: Receiver, clock: HandClock
) -> None:
    receiver.status = 307
    receiver.headers = {"location": f"{receiver.url}/latest/meta-data/"}
    await add_endpoint(database, f"{receiver.url}/in")
    await tell(database, clock.now())
    await send_all(tools)
    [row] = await deliveries(database)
    assert [request.path for request in receiver.requests] == ["/in"]
    assert row.error == "the endpoint answered 307, and redirects are not followed"
    assert row.next_attempt_at == clock.now() + timedelta(seconds=5)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "169.254.169.254", "10.1.2.3", "0.0.0.0", "2130706433", "0x7f.1"]
)
async def test_an_address_of_our_network_gets_nothing(
    database: Database, receiver: Receiver, clock: HandClock, host: str
) -> None:
    port = receiver.url.rpartition(":")[2]
    await add_endpoint(database, f"http://{host}:{port}/")
    await tell(database, clock.now())
    await send_all(tools_of(database, clock, Egress(EgressPolicy(ports=(int(port),)))))
    [row] = await deliveries(database)
    assert receiver.requests == []
    assert row.response_status is None
    assert row.error is not None
