"""API keys over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.platform import Platform, add_tenant, client_of

pytestmark = pytest.mark.anyio

ROOT = "/v1/api_keys"


async def create(client: httpx.AsyncClient, *scopes: str, **asked: object) -> dict[str, Any]:
    answer = await client.post(ROOT, json={"name": "Build", "scopes": list(scopes), **asked})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def status_with(platform: Platform, token: str, path: str = ROOT) -> int:
    async with client_of(platform, token) as client:
        return (await client.get(path)).status_code


async def test_a_new_key_opens_what_its_scopes_say(platform: Platform, client: httpx.AsyncClient) -> None:
    key = await create(client, "keys:read")
    assert await status_with(platform, key["token"]) == 200
    assert await status_with(platform, key["token"], "/v1/usage") == 403


async def test_the_token_is_shown_once(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "one"}
    asked = {"name": "Build", "scopes": ["*"]}
    first = await client.post(ROOT, json=asked, headers=headers)
    again = await client.post(ROOT, json=asked, headers=headers)
    shown = (await client.get(first.headers["Location"])).json()
    assert first.json()["token"].startswith("dk_")
    assert again.json() == {**first.json(), "token": None}
    assert "token" not in shown
    assert first.json()["token"] not in (await client.get(ROOT)).text


async def test_a_key_cannot_give_what_it_lacks(platform: Platform) -> None:
    token = await add_tenant(platform.database, platform.clock, "few", scopes=["keys:write", "usage:read"])
    async with client_of(platform, token) as client:
        await create(client, "usage:read")
        more = await client.post(ROOT, json={"name": "more", "scopes": ["usage:read", "characters:read"]})
        everything = await client.post(ROOT, json={"name": "all", "scopes": ["*"]})
    assert (more.status_code, more.json()["code"]) == (403, "missing_scope")
    assert everything.status_code == 403


async def test_a_key_expires(platform: Platform, client: httpx.AsyncClient) -> None:
    key = await create(client, "keys:read", expires_in_days=1)
    assert await status_with(platform, key["token"]) == 200
    platform.clock.pass_s(24 * 3600)
    assert await status_with(platform, key["token"]) == 401
    assert (await client.get(f"{ROOT}/{key['id']}")).json()["state"] == "expired"


async def test_a_revoked_key_opens_nothing_from_that_moment_on(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    key = await create(client, "keys:read")
    assert await status_with(platform, key["token"]) == 200
    revocations = [(await client.delete(f"{ROOT}/{key['id']}")).status_code for _ in range(2)]
    assert revocations == [204, 204]
    assert await status_with(platform, key["token"]) == 401
    assert (await client.get(f"{ROOT}/{key['id']}")).json()["state"] == "revoked"


async def test_a_key_cannot_revoke_itself(client: httpx.AsyncClient) -> None:
    [own] = (await client.get(ROOT)).json()["data"]
    answer = await client.delete(f"{ROOT}/{own['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_no_request_reaches_another_tenants_key(platform: Platform, client: httpx.AsyncClient) -> None:
    key = await create(client, "keys:read")
    async with client_of(platform, platform.theirs) as stranger:
        found = await stranger.get(f"{ROOT}/{key['id']}")
        revoked = await stranger.delete(f"{ROOT}/{key['id']}")
        listed = (await stranger.get(ROOT)).json()["data"]
    assert (found.status_code, revoked.status_code, len(listed)) == (404, 404, 1)
    assert await status_with(platform, key["token"]) == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": " ", "scopes": ["*"]},
        {"name": "x", "scopes": ["*"], "expires_in_days": 0},
        {"name": "x", "scopes": ["*"], "tenant_id": "other"},
    ],
)
async def test_what_is_no_request_for_a_key_is_refused(client: httpx.AsyncClient, asked: object) -> None:
    assert (await client.post(ROOT, json=asked)).status_code == 422
