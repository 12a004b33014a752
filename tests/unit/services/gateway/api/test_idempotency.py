"""A POST that is sent again is done once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from services.kit.database.tables import Character, IdempotencyKey, OutboxRow
from services.kit.errors import Unavailable
from tests.api.media import JPEG
from tests.api.platform import Platform, client_of

pytestmark = pytest.mark.anyio

CONSENT = json.dumps({"kind": "self", "granted_by": "Ada", "granted_at": "2026-01-31T12:00:00Z"})


async def create(
    client: httpx.AsyncClient, key: str, name: str = "Ada", picture: bytes = JPEG
) -> httpx.Response:
    return await client.post(
        "/v1/characters",
        data={"name": name, "consent": CONSENT},
        files={"portrait": ("ada.jpg", picture, "image/jpeg")},
        headers={"Idempotency-Key": key},
    )


async def num_rows(platform: Platform, table: type[Any]) -> int:
    async with platform.database.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_the_same_request_is_answered_again_and_done_once(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    first = await create(client, "once")
    # Another boundary separates the same parts.
    again = await create(client, "once")

    assert again.status_code == 202
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await num_rows(platform, Character) == 1
    assert await num_rows(platform, OutboxRow) == 1


@pytest.mark.parametrize("change", [{"name": "Eve"}, {"picture": JPEG + b"!"}])
async def test_another_request_under_the_same_key_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    await create(client, "once")

    other = await create(client, "once", **change)

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_tenants_do_not_share_keys(platform: Platform, client: httpx.AsyncClient) -> None:
    ours = await create(client, "once")

    async with client_of(platform, platform.theirs) as other:
        theirs = await create(other, "once")

    assert theirs.status_code == 202
    assert theirs.json()["id"] != ours.json()["id"]


async def test_after_a_day_the_key_is_new(platform: Platform, client: httpx.AsyncClient) -> None:
    first = await create(client, "once")
    platform.clock.pass_s(24 * 3600 + 1)

    again = await create(client, "once", name="Eve")

    assert again.status_code == 202
    assert again.json()["id"] != first.json()["id"]


async def test_while_the_first_is_being_answered_the_second_waits_its_turn(
    platform: Platform, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()
    put_file = platform.blobs.put_file

    async def slowly(key: str, path: Any, content_type: str) -> None:
        arrived.set()
        await go_on.wait()
        await put_file(key, path, content_type)

    monkeypatch.setattr(platform.blobs, "put_file", slowly)
    first = asyncio.create_task(create(client, "once"))
    await arrived.wait()

    second = await create(client, "once")
    go_on.set()

    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_flight")
    assert second.headers["retry-after"] == "1"
    assert (await first).status_code == 202


async def test_what_a_dead_gateway_left_is_taken_over_when_its_lease_has_run_out(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await create(client, "once")
    async with platform.database.begin() as session:
        row = (await session.scalars(select(IdempotencyKey))).one()
        row.status = row.headers = row.body = None
        await session.delete((await session.scalars(select(Character))).one())

    assert (await create(client, "once")).json()["code"] == "idempotency_in_flight"
    platform.clock.pass_s(121)
    again = await create(client, "once")

    assert again.status_code == 202
    assert await num_rows(platform, Character) == 1


async def test_whoever_lost_the_lease_undoes_what_it_did(
    platform: Platform, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = platform.blobs.put_file

    async def lose_lease(key: str, path: Any, content_type: str) -> None:
        await put_file(key, path, content_type)
        async with platform.database.begin() as session:
            (await session.scalars(select(IdempotencyKey))).one().lease_token = "lse_other"

    monkeypatch.setattr(platform.blobs, "put_file", lose_lease)

    answer = await create(client, "once")

    assert answer.json()["code"] == "idempotency_in_flight"
    assert await num_rows(platform, Character) == 0
    assert await num_rows(platform, OutboxRow) == 0
    assert not list(platform.blob_folder.rglob("portrait"))


async def test_a_refusal_is_not_kept(platform: Platform, client: httpx.AsyncClient) -> None:
    refused = await create(client, "once", picture=b"no picture")

    again = await create(client, "once")

    assert refused.status_code == 415
    assert again.status_code == 202


async def test_an_outage_leaves_the_key_free(
    platform: Platform, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = platform.blobs.put_file

    async def fail(key: str, path: Any, content_type: str) -> None:
        raise Unavailable("the store does not answer")

    monkeypatch.setattr(platform.blobs, "put_file", fail)
    refused = await create(client, "once")
    monkeypatch.setattr(platform.blobs, "put_file", put_file)

    again = await create(client, "once")

    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert again.status_code == 202
