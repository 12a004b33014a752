"""Webhook endpoints and deliveries over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.kit.database.events import EVENT_TYPES, record_event
from services.kit.database.tables import ApiKey, DeliveryState, WebhookDelivery, WebhookEndpoint
from tests.api.platform import Platform, add_tenant, client_of

pytestmark = pytest.mark.anyio

ROOT = "/v1/webhook_endpoints"
URL = "https://hooks.example.com/in"


async def create(client: httpx.AsyncClient, **asked: object) -> dict[str, Any]:
    answer = await client.post(ROOT, json={"url": URL, **asked})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def tell(platform: Platform, event_type: str, name: str = "ours") -> None:
    async with platform.database.begin() as session:
        tenant = await session.scalar(select(ApiKey.tenant_id).where(ApiKey.name == name))
        assert tenant is not None
        await record_event(session, tenant, event_type, {"id": "x"}, platform.clock.now())


async def deliveries(client: httpx.AsyncClient, endpoint: dict[str, Any], query: str = "") -> list[Any]:
    answer = await client.get(f"{ROOT}/{endpoint['id']}/deliveries{query}")
    assert answer.status_code == 200, answer.text
    listed: list[Any] = answer.json()["data"]
    return listed


async def test_the_secret_is_shown_once(client: httpx.AsyncClient) -> None:
    created = await create(client)
    assert created["secret"].startswith("whsec_")
    shown = (await client.get(f"{ROOT}/{created['id']}")).json()
    assert "secret" not in shown
    assert created | shown == created


async def test_a_replayed_creation_makes_nothing_and_shows_no_secret(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await client.post(ROOT, json={"url": URL}, headers=headers)
    second = await client.post(ROOT, json={"url": URL}, headers=headers)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json() == {**first.json(), "secret": None}
    assert len((await client.get(ROOT)).json()["data"]) == 1


@pytest.mark.parametrize("url", ["ftp://x.example", "https://u:p@x.example/", "not a url", "https://x/\x00"])
async def test_what_is_no_address_for_webhooks_is_refused(client: httpx.AsyncClient, url: str) -> None:
    assert (await client.post(ROOT, json={"url": url})).status_code == 422


async def test_an_endpoint_gets_the_events_it_chose(platform: Platform, client: httpx.AsyncClient) -> None:
    choosy = await create(client, event_types=["performance.failed", "character.ready"])
    everything = await create(client)
    for event_type in EVENT_TYPES:
        await tell(platform, event_type)
    got = {each["event_type"] for each in await deliveries(client, choosy)}
    assert got == {"performance.failed", "character.ready"}
    assert len(await deliveries(client, everything)) == len(EVENT_TYPES)


async def test_an_endpoint_gets_nothing_of_another_tenant(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    endpoint = await create(client)
    await tell(platform, "character.ready", name="theirs")
    assert await deliveries(client, endpoint) == []


async def test_disabling_gives_up_what_waits_and_enabling_begins_with_what_is_new(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    endpoint = await create(client)
    path = f"{ROOT}/{endpoint['id']}"
    await tell(platform, "character.ready")
    disabled = (await client.patch(path, json={"is_enabled": False})).json()
    await tell(platform, "character.failed")
    enabled = (await client.patch(path, json={"is_enabled": True})).json()
    await tell(platform, "character.rejected")
    assert (disabled["disabled_reason"], enabled["disabled_reason"]) == ("owner", None)
    states = [(each["event_type"], each["state"]) for each in await deliveries(client, endpoint)]
    assert states == [("character.rejected", "pending"), ("character.ready", "cancelled")]


async def test_a_patch_changes_what_it_names_and_nothing_else(client: httpx.AsyncClient) -> None:
    endpoint = await create(client, description="before", event_types=["character.ready"])
    changed = await client.patch(f"{ROOT}/{endpoint['id']}", json={"description": "after"})
    del endpoint["secret"]
    body = changed.json()
    assert body == {**endpoint, "description": "after", "updated_at": body["updated_at"]}


async def test_a_change_of_what_has_changed_is_refused(client: httpx.AsyncClient) -> None:
    endpoint = await create(client)
    path = f"{ROOT}/{endpoint['id']}"
    etag = (await client.get(path)).headers["ETag"]
    first = await client.patch(path, json={"description": "a"}, headers={"If-Match": etag})
    second = await client.patch(path, json={"description": "b"}, headers={"If-Match": etag})
    third = await client.delete(path, headers={"If-Match": first.headers["ETag"]})
    assert (first.status_code, second.status_code, third.status_code) == (200, 412, 204)
    assert second.json()["code"] == "precondition_failed"
    assert (await client.get(path)).status_code == 404


async def test_rotation_keeps_the_secret_before_for_a_day(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    endpoint = await create(client)
    rotated = (await client.post(f"{ROOT}/{endpoint['id']}/rotate")).json()
    assert rotated["secret"] != endpoint["secret"]
    async with platform.database.read() as session:
        row = await session.get_one(WebhookEndpoint, endpoint["id"])
    assert row.previous_secret == endpoint["secret"]
    assert row.previous_secret_expires_at is not None
    assert (row.previous_secret_expires_at - row.updated_at).total_seconds() == 24 * 3600


async def test_a_test_goes_to_its_endpoint_whatever_it_chose(client: httpx.AsyncClient) -> None:
    endpoint = await create(client, event_types=["character.ready"])
    other = await create(client)
    answer = await client.post(f"{ROOT}/{endpoint['id']}/test")
    assert answer.status_code == 202
    delivery = (await client.get(answer.headers["Location"])).json()
    assert delivery == answer.json()
    assert (delivery["event_type"], delivery["state"], delivery["attempts"]) == ("webhook.test", "pending", 0)
    assert await deliveries(client, other) == []


async def test_a_redelivery_is_a_new_delivery_of_the_same_event(client: httpx.AsyncClient) -> None:
    endpoint = await create(client)
    first = (await client.post(f"{ROOT}/{endpoint['id']}/test")).json()
    again = await client.post(f"{ROOT}/{endpoint['id']}/deliveries/{first['id']}/redeliver")
    assert again.status_code == 202
    assert again.json()["id"] != first["id"]
    assert again.json()["event_id"] == first["event_id"]
    assert len(await deliveries(client, endpoint)) == 2


@pytest.mark.parametrize("action", ["test", "redeliver"])
async def test_nothing_is_sent_to_a_disabled_endpoint(client: httpx.AsyncClient, action: str) -> None:
    endpoint = await create(client)
    path = f"{ROOT}/{endpoint['id']}"
    sent = (await client.post(f"{path}/test")).json()
    await client.patch(path, json={"is_enabled": False})
    last = "test" if action == "test" else f"deliveries/{sent['id']}/redeliver"
    answer = await client.post(f"{path}/{last}")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_deliveries_are_read_in_pages_and_by_state(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    endpoint = await create(client)
    sent = [(await client.post(f"{ROOT}/{endpoint['id']}/test")).json()["id"] for _ in range(5)]
    async with platform.database.begin() as session:
        row = await session.get_one(WebhookDelivery, sent[0])
        row.state = DeliveryState.DELIVERED
    path = f"{ROOT}/{endpoint['id']}/deliveries"
    first = (await client.get(path, params={"limit": 3})).json()
    second = (await client.get(path, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [each["id"] for each in first["data"] + second["data"]] == sent[::-1]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [each["id"] for each in await deliveries(client, endpoint, "?state=delivered")] == sent[:1]


async def test_deleting_an_endpoint_deletes_its_deliveries(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    endpoint = await create(client)
    await client.post(f"{ROOT}/{endpoint['id']}/test")
    assert (await client.delete(f"{ROOT}/{endpoint['id']}")).status_code == 204
    async with platform.database.read() as session:
        assert (await session.scalars(select(WebhookDelivery))).all() == []


async def test_the_fifty_first_endpoint_is_refused(client: httpx.AsyncClient) -> None:
    for _ in range(50):
        await create(client)
    answer = await client.post(ROOT, json={"url": URL})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_no_request_reaches_another_tenants_endpoint(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    endpoint = await create(client)
    sent = (await client.post(f"{ROOT}/{endpoint['id']}/test")).json()
    path = f"{ROOT}/{endpoint['id']}"
    own = f"{path}/deliveries/{sent['id']}"
    async with client_of(platform, platform.theirs) as stranger:
        mine = f"{ROOT}/{(await create(stranger))['id']}"
        answers = [
            await stranger.get(path),
            await stranger.patch(path, json={"is_enabled": False}),
            await stranger.delete(path),
            await stranger.post(f"{path}/rotate"),
            await stranger.post(f"{path}/test"),
            await stranger.get(f"{path}/deliveries"),
            await stranger.get(own),
            await stranger.post(f"{own}/redeliver"),
            await stranger.get(f"{mine}/deliveries/{sent['id']}"),
            await stranger.post(f"{mine}/deliveries/{sent['id']}/redeliver"),
        ]
        listed = (await stranger.get(ROOT)).json()["data"]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert len(listed) == 1
    assert len(await deliveries(client, endpoint)) == 1


async def test_reading_needs_less_than_writing(platform: Platform) -> None:
    token = await add_tenant(platform.database, platform.clock, "reader", scopes=["webhooks:read"])
    async with client_of(platform, token) as reader:
        read = await reader.get(ROOT)
        written = await reader.post(ROOT, json={"url": URL})
    assert (read.status_code, written.status_code) == (200, 403)
    assert written.json()["code"] == "missing_scope"
