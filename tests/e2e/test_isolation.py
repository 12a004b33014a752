"""One tenant never sees, changes or removes anything of another; every route is tried with foreign ids."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import select

from services.kit.database.tables import (
    DeliveryState,
    Row,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from services.kit.ids import new_id
from tests.api.media import JPEG, MP4, WAV
from tests.api.pipeline import running_pipeline
from tests.api.platform import Platform, client_of, open_platform

pytestmark = pytest.mark.anyio

CONSENT: Final = json.dumps({"kind": "self", "granted_by": "Ada", "granted_at": "2026-01-31T12:00:00Z"})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path) as opened:
        yield opened


async def test_no_route_gives_one_tenant_anything_of_another(platform: Platform) -> None:
    async with client_of(platform, platform.theirs) as they, client_of(platform, platform.ours) as we:
        async with running_pipeline(platform):
            ids = await _make_everything(platform, they)
        # A first call, so that the keys' last use is noted already.
        await we.get("/v1/limits")
        before = await _rows(platform)
        blobs = _blobs(platform)
        tried = set()
        for method, path, operation in _operations(platform):
            for request in _requests(we, method, path, operation, ids):
                tried.add((method, path))
                await _try(we, request, ids)

    naming = {(method, path) for method, path, _ in _operations(platform) if "{" in path}
    assert tried == naming | {("post", "/v1/performances")}
    assert await _rows(platform) == before
    assert blobs <= _blobs(platform)


async def test_a_list_shows_only_ones_own(platform: Platform) -> None:
    async with client_of(platform, platform.theirs) as they, running_pipeline(platform):
        await _make_everything(platform, they)
        lists = [path for method, path, _ in _operations(platform) if method == "get" and "{" not in path]
        async with client_of(platform, platform.ours) as we:
            found = {path: (await we.get(path)).json() for path in lists if path.startswith("/v1/")}

    foreign = [path for path, page in found.items() if path != "/v1/api_keys" and page.get("data")]
    assert found["/v1/characters"]["data"] == []
    assert [path for path in foreign if path != "/v1/usage"] == []
    assert {each["name"] for each in found["/v1/api_keys"]["data"]} == {"ours"}
    assert "theirs" not in json.dumps(found)


async def _try(we: httpx.AsyncClient, request: httpx.Request, ids: dict[str, str]) -> None:
    """Whoever names a foreign id is told that there is no such thing, and nothing more."""
    answer = await we.send(request)

    name = f"{request.method} {request.url}: {answer.status_code} {answer.text[:200]}"
    assert answer.status_code == 404, name
    assert answer.json()["code"] == "not_found", name
    named = set(str(request.url).split("/")) | {ids["character_id"]}
    assert not [each for each in ids.values() if each in answer.text and each not in named], name


def _operations(platform: Platform) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in platform.app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]


def _requests(
    we: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any], ids: dict[str, str]
) -> list[httpx.Request]:
    """Requests of one operation that name what is not the caller's, in the path or in the body."""
    names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
    url = f"http://api{path}"
    for name in names:
        url = url.replace(f"{{{name}}}", ids[name])
    if names:
        return [we.build_request(method, url, **_body(path, operation, ids))]
    if path == "/v1/performances" and method == "post":
        spoken = {"character_id": ids["character_id"], "text": {"text": "Hello"}}
        sent = {"character_id": ids["character_id"]}
        return [
            we.build_request("POST", url, json=spoken),
            we.build_request("POST", url, json=sent | {"listen_url": "https://files.example.com/user.wav"}),
            we.build_request("POST", url, data=sent, files={"speech": ("s.wav", WAV)}),
            we.build_request("POST", url, data=sent, files={"listen": ("l.wav", WAV)}),
            we.build_request("POST", url, data=sent, files={"driver": ("d.mp4", MP4)}),
        ]
    return []


def _body(path: str, operation: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        return {"files": {"picture": ("ada.jpg", JPEG)}}
    if "application/json" in content:
        return {"json": content["application/json"]["example"]}
    return {}


async def _make_everything(platform: Platform, they: httpx.AsyncClient) -> dict[str, str]:
    """One of each of the other tenant's things, by the name of the path parameter that names it."""
    character = await they.post(
        "/v1/characters", data={"name": "theirs", "consent": CONSENT}, files={"portrait": ("a.jpg", JPEG)}
    )
    ids = {"character_id": character.json()["id"]}
    reference = await they.post(
        f"/v1/characters/{ids['character_id']}/references", files={"picture": ("a.jpg", JPEG)}
    )
    performance = await they.post(
        "/v1/performances", json={"character_id": ids["character_id"], "text": {"text": "Hello"}}
    )
    endpoint = await they.post("/v1/webhook_endpoints", json={"url": "https://hooks.example.com/theirs"})
    key = await they.post("/v1/api_keys", json={"name": "theirs", "scopes": ["usage:read"]})
    for answer in (reference, performance, endpoint, key):
        assert answer.is_success, answer.text
    ids |= {
        "reference_id": reference.json()["id"],
        "performance_id": performance.json()["id"],
        "endpoint_id": endpoint.json()["id"],
        "key_id": key.json()["id"],
    }
    async with they.stream("GET", f"/v1/performances/{ids['performance_id']}/events") as stream:
        events = [line async for line in stream.aiter_lines()]
    assert '"succeeded"' in events[-2]
    ids["delivery_id"] = await _add_delivery(platform, ids["endpoint_id"])
    return ids


async def _add_delivery(platform: Platform, endpoint_id: str) -> str:
    now = platform.clock.now()
    event_id, delivery_id = new_id("evt", now), new_id("whd", now)
    async with platform.database.begin() as session:
        endpoint = await session.get_one(WebhookEndpoint, endpoint_id)
        session.add(
            WebhookEvent(
                id=event_id,
                tenant_id=endpoint.tenant_id,
                type="performance.succeeded",
                data={},
                created_at=now,
            )
        )
        await session.flush()
        session.add(
            WebhookDelivery(
                id=delivery_id,
                tenant_id=endpoint.tenant_id,
                event_id=event_id,
                endpoint_id=endpoint_id,
                state=DeliveryState.EXHAUSTED,
                created_at=now,
            )
        )
    return delivery_id


async def _rows(platform: Platform) -> dict[str, list[str]]:
    """Everything in the database."""
    async with platform.database.read() as session:
        return {
            table.name: sorted(map(str, (await session.execute(select(table))).all()))
            for table in Row.metadata.sorted_tables
        }


def _blobs(platform: Platform) -> set[Path]:
    return {each for each in platform.blob_folder.rglob("*") if each.is_file()}
