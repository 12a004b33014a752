"""What every answer has, whatever was asked."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.settings import AdmissionSettings, ApiSettings, Settings
from services.kit.database.database import Database
from services.kit.database.tables import ApiKey, UsageRecord
from services.kit.errors import Unavailable
from tests.api.media import JPEG
from tests.api.pipeline import running_pipeline
from tests.api.platform import Platform, add_tenant, client_of, open_platform

pytestmark = pytest.mark.anyio

CONSENT = json.dumps({"kind": "self", "granted_by": "Ada", "granted_at": "2026-01-31T12:00:00Z"})
NO_CHARACTER = f"/v1/characters/chr_{'0' * 26}"


async def create(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post(
        "/v1/characters",
        data={"name": "Ada", "consent": CONSENT} | changes.pop("data", {}),
        files={"portrait": ("ada.jpg", changes.pop("picture", JPEG), "image/jpeg")},
        **changes,
    )


async def perform(client: httpx.AsyncClient, text: str = "Hello") -> httpx.Response:
    character = (await create(client)).json()
    return await client.post(
        "/v1/performances", json={"character_id": character["id"], "text": {"text": text}}
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", NO_CHARACTER, 404, "not_found"),
        ("PUT", "/v1/characters", 405, "method_not_allowed"),
        ("GET", "/v1/characters?limit=0", 422, "invalid_request"),
        ("GET", "/v1/characters?cursor=x", 422, "invalid_request"),
        ("POST", "/v1/performances", 415, "unsupported_media_type"),
    ],
)
async def test_every_refusal_is_a_problem_with_the_id_of_its_request(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)

    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["request-id"]
    assert problem["type"] == f"urn:dramatis:problem:{code}"


async def test_a_bug_is_answered_without_its_secrets(
    client: httpx.AsyncClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the password is 123")

    monkeypatch.setattr(platform.app.state.gateway.rates, "take", fail)

    answer = await client.get("/v1/characters")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["request-id"] == answer.json()["request_id"]
    assert "123" not in answer.text


async def test_the_methods_of_a_path_are_told(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/v1/characters")

    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("token", [None, "dk_nonsense", f"dk_{'0' * 26}_{'0' * 64}"])
async def test_without_a_valid_key_nothing_is_told(platform: Platform, token: str | None) -> None:
    async with client_of(platform, token) as stranger:
        answers = [await stranger.get(NO_CHARACTER), await create(stranger)]

    assert [each.status_code for each in answers] == [401, 401]
    assert answers[0].headers["www-authenticate"].startswith("Bearer")


async def test_a_wrong_secret_opens_nothing_after_the_right_one_has(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await client.get("/v1/characters")

    wrong = platform.ours[:-1] + ("0" if platform.ours[-1] != "0" else "1")
    async with client_of(platform, wrong) as stranger:
        answer = await stranger.get("/v1/characters")

    assert answer.status_code == 401


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
async def test_a_key_that_was_good_is_refused_from_the_moment_it_ends(
    platform: Platform, client: httpx.AsyncClient, column: str
) -> None:
    first = await client.get("/v1/characters")
    async with platform.database.begin() as session:
        await session.execute(update(ApiKey).values({column: platform.clock.now()}))

    again = await client.get("/v1/characters")

    assert (first.status_code, again.status_code) == (200, 401)


async def test_a_key_does_only_what_its_scopes_say(platform: Platform) -> None:
    token = await add_tenant(platform.database, platform.clock, "reader", scopes=["characters:read"])
    async with client_of(platform, token) as reader:
        reading, writing = await reader.get("/v1/characters"), await create(reader)

    assert reading.status_code == 200
    assert (writing.status_code, writing.json()["code"]) == (403, "missing_scope")


async def test_a_key_that_asks_too_often_is_told_when_to_come_back(platform: Platform) -> None:
    token = await add_tenant(platform.database, platform.clock, "hasty", requests_per_minute=2)
    async with client_of(platform, token) as hasty:
        answers = [await hasty.get("/v1/characters") for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "rate_limited"
    assert answers[2].headers["retry-after"] == "30"
    assert [each.headers["ratelimit-remaining"] for each in answers] == ["1", "0", "0"]


@pytest.mark.parametrize(
    ("picture", "data", "status", "code"),
    [
        (b"%PDF-1.7 ", {}, 415, "unsupported_media_type"),
        (JPEG, {"name": ""}, 422, "invalid_request"),
        (JPEG, {"surprise": "yes"}, 422, "invalid_request"),
        (JPEG, {"consent": "{"}, 400, "malformed_request"),
        (JPEG, {"consent": CONSENT.replace("self", "stolen")}, 422, "invalid_request"),
        (JPEG, {"consent": CONSENT.replace("2026-01-31T12:00:00Z", "1738324800")}, 422, "invalid_request"),
        (JPEG, {"face": "-1"}, 422, "invalid_request"),
        (JPEG, {"name": "A\x00"}, 422, "invalid_request"),
    ],
)
async def test_a_character_that_is_not_one_is_refused_and_leaves_nothing(
    platform: Platform,
    client: httpx.AsyncClient,
    picture: bytes,
    data: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await create(client, picture=picture, data=data)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await client.get("/v1/characters")).json()["data"] == []
    assert not list(platform.blob_folder.rglob("portrait"))


async def test_pages_follow_each_other_without_gaps(client: httpx.AsyncClient) -> None:
    made = [(await create(client)).json()["id"] for _ in range(5)]

    found, cursor = [], None
    for _ in range(3):
        page = (
            await client.get("/v1/characters", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        found += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"]

    assert found == made[::-1]
    assert (page["has_more"], cursor) == (False, None)


async def test_what_a_client_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    created = await create(client)
    path = created.headers["location"]

    again = await client.get(path, headers={"If-None-Match": created.headers["etag"]})
    picture = await client.get(f"{path}/portrait")
    same = await client.get(f"{path}/portrait", headers={"If-None-Match": picture.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert picture.content == JPEG
    assert same.status_code == 304


async def test_nothing_is_removed_that_has_changed_since(client: httpx.AsyncClient) -> None:
    created = await create(client)
    path = created.headers["location"]

    refused = await client.delete(path, headers={"If-Match": '"other"'})
    done = await client.delete(path, headers={"If-Match": created.headers["etag"]})

    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert (done.status_code, (await client.get(path)).status_code) == (204, 404)


async def test_a_character_stays_while_it_is_needed(client: httpx.AsyncClient) -> None:
    performance = (await perform(client)).json()

    answer = await client.delete(f"/v1/characters/{performance['character_id']}")

    assert (answer.status_code, answer.json()["code"]) == (409, "character_in_use")


async def test_who_has_used_the_months_seconds_is_refused(platform: Platform) -> None:
    token = await add_tenant(platform.database, platform.clock, "poor", video_seconds_per_month=10.0)
    async with client_of(platform, token) as poor:
        first = await perform(poor)
        async with platform.database.begin() as session:
            key = await session.get_one(ApiKey, "key_" + token.split("_")[1])
            session.add(
                UsageRecord(
                    performance_id="per_x",
                    tenant_id=key.tenant_id,
                    video_s=10.0,
                    created_at=platform.clock.now(),
                )
            )
        second = await perform(poor)

    assert first.status_code == 202
    assert (second.status_code, second.json()["code"]) == (402, "quota_exceeded")


async def test_who_has_no_room_is_refused_and_nothing_is_stored(platform: Platform) -> None:
    token = await add_tenant(platform.database, platform.clock, "small", storage_bytes=150)
    async with client_of(platform, token) as small:
        first, second = await create(small), await create(small)

    assert first.status_code == 202
    assert (second.status_code, second.json()["code"]) == (402, "quota_exceeded")
    assert len(list(platform.blob_folder.rglob("portrait"))) == 1


async def test_a_running_performance_may_only_take_what_is_left(platform: Platform) -> None:
    token = await add_tenant(platform.database, platform.clock, "poor", video_seconds_per_month=10.0)
    async with client_of(platform, token) as poor, running_pipeline(platform) as pipeline:
        created = await perform(poor)
        async with poor.stream("GET", created.headers["location"] + "/events") as stream:
            await stream.aread()

    assert [each.max_duration_s for each in pipeline.started] == [10.0]


async def test_progress_is_streamed_until_the_end_and_goes_on_where_it_broke_off(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with running_pipeline(platform):
        created = await perform(client)
        path = created.headers["location"] + "/events"
        text = (await client.get(path)).text

    events = [dict(line.split(": ", 1) for line in each.split("\n")) for each in text.strip().split("\n\n")]
    states = [json.loads(each["data"])["state"] for each in events if each.get("event") == "state"]
    assert events[0] == {"retry": "2000"}
    assert states[-1] == "succeeded"
    assert states == sorted(set(states), key=["queued", "processing", "succeeded"].index)
    ids = [int(each["id"]) for each in events[1:]]
    assert ids == sorted(ids)
    again = await client.get(path, headers={"Last-Event-ID": events[-1]["id"]})
    earlier = await client.get(path, headers={"Last-Event-ID": "1"})
    assert again.status_code == 204
    assert earlier.text.count("event: state") == 1


async def test_a_silent_stream_is_kept_open_and_ends_in_time(tmp_path: Path) -> None:
    settings = Settings(api=ApiSettings(events_poll_s=0.001, events_max_s=0.2, heartbeat_s=0.05))
    async with open_platform(tmp_path, settings) as platform, client_of(platform, platform.ours) as client:
        created = await perform(client)

        text = (await client.get(created.headers["location"] + "/events")).text

    assert text.count("event: ") == 1
    assert text.count(": still here\n\n") >= 2


async def test_too_many_waiting_performances_are_refused(tmp_path: Path) -> None:
    settings = Settings(admission=AdmissionSettings(max_queued_per_tenant=1))
    async with open_platform(tmp_path, settings) as platform, client_of(platform, platform.ours) as client:
        first, second = await perform(client), await perform(client)

    assert first.status_code == 202
    assert (second.status_code, second.json()["code"]) == (429, "concurrency_limit")
    assert "retry-after" in second.headers


def _no_database(_self: Database) -> AbstractAsyncContextManager[AsyncSession]:
    raise Unavailable("the database does not answer")


async def test_without_a_database_the_answer_is_to_come_back(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "read", _no_database)

    answers = [await client.get("/v1/characters"), await client.get("/readyz"), await create(client)]
    alive = await client.get("/healthz")

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(503, "unavailable")] * 3
    assert all("retry-after" in each.headers for each in answers)
    assert alive.status_code == 200


async def test_pages_of_other_origins_may_call_only_where_they_are_named(tmp_path: Path) -> None:
    preflight = {"Origin": "https://studio.example", "Access-Control-Request-Method": "GET"}
    named = Settings(api=ApiSettings(cors_origins=("https://studio.example",)))
    found = []
    for folder, settings in (("none", None), ("named", named)):
        (tmp_path / folder).mkdir()
        async with (
            open_platform(tmp_path / folder, settings) as platform,
            client_of(platform, None) as client,
        ):
            answer = await client.options("/v1/characters", headers=preflight)
            found.append(answer.headers.get("access-control-allow-origin"))

    assert found == [None, "https://studio.example"]
