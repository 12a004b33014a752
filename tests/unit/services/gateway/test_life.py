"""From a portrait and a text to a video, through the API and a pipeline that pretends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.media import JPEG, WAV
from tests.api.pipeline import VIDEO, running_pipeline
from tests.api.platform import Platform

pytestmark = pytest.mark.anyio

CONSENT = json.dumps({"kind": "self", "granted_by": "Ada", "granted_at": "2026-01-31T12:00:00Z"})

# A busy disk may take its time over every commit.
_PATIENCE_S = 60.0


async def create_character(client: httpx.AsyncClient, consent: str = CONSENT) -> dict[str, Any]:
    answer = await client.post(
        "/v1/characters",
        data={"name": "Ada", "consent": consent},
        files={"portrait": ("ada.jpg", JPEG, "image/jpeg")},
    )
    assert answer.status_code == 202, answer.text
    created: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/v1/characters/{created['id']}"
    return created


async def wait_for(client: httpx.AsyncClient, path: str, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            found: dict[str, Any] = (await client.get(path)).json()
            if found["state"] in states:
                return found
            await asyncio.sleep(0.01)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


async def perform(client: httpx.AsyncClient, character: dict[str, Any], text: str) -> dict[str, Any]:
    answer = await client.post(
        "/v1/performances", json={"character_id": character["id"], "text": {"text": text}}
    )
    assert answer.status_code == 202, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def test_a_portrait_and_a_text_become_a_video(platform: Platform, client: httpx.AsyncClient) -> None:
    async with running_pipeline(platform):
        character = await create_character(client)
        performance = await perform(client, character, "Hello")
        assert performance["queue_position"] == 1

        done = await wait_for(client, f"/v1/performances/{performance['id']}", "succeeded")

    steps = {"steps_done": None, "steps_expected": None}
    assert done["progress"] == {"frames_done": 100, "frames_expected": 100, "eta_s": None, **steps}
    assert done["video"]["duration_s"] == 4.0
    video = await client.get(done["video"]["url"])
    assert video.content == VIDEO
    assert video.headers["content-disposition"] == f'attachment; filename="{done["id"]}.mp4"'
    part = await client.get(done["video"]["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, VIDEO[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(VIDEO)}"


async def test_a_speech_that_was_sent_is_where_ingestion_looks_for_it(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with running_pipeline(platform) as pipeline:
        character = await create_character(client)
        answer = await client.post(
            "/v1/performances",
            data={"character_id": character["id"], "size": "256", "metadata": '{"order": "17"}'},
            files={"speech": ("speech.wav", WAV, "audio/wav")},
        )
        performance = answer.json()
        await wait_for(client, f"/v1/performances/{performance['id']}", "succeeded")

    assert performance["metadata"] == {"order": "17"}
    (started,) = pipeline.started
    assert started.opening.size == 256
    assert await platform.blobs.get(started.speech_uri) == WAV


@pytest.mark.parametrize(
    ("text", "state", "code"),
    [("forbidden words", "rejected", None), ("broken", "failed", "text_unspeakable")],
)
async def test_what_cannot_be_done_says_why(
    platform: Platform, client: httpx.AsyncClient, text: str, state: str, code: str | None
) -> None:
    async with running_pipeline(platform):
        character = await create_character(client)
        performance = await perform(client, character, text)

        ended = await wait_for(client, f"/v1/performances/{performance['id']}", "rejected", "failed")

    assert ended["state"] == state
    assert (ended["error"] or {}).get("code") == code
    assert [reason["code"] for reason in ended["reasons"]] == (["forbidden_words"] if code is None else [])


async def test_a_session_that_was_lost_begins_again(platform: Platform, client: httpx.AsyncClient) -> None:
    async with running_pipeline(platform) as pipeline:
        character = await create_character(client)
        performance = await perform(client, character, "lost")
        ended = await wait_for(client, f"/v1/performances/{performance['id']}", "succeeded", "failed")

    assert ended["state"] == "succeeded"
    assert [each.envelope.epoch for each in pipeline.started] == [0, 1, 2]


async def test_a_session_that_is_lost_again_and_again_fails(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with running_pipeline(platform) as pipeline:
        character = await create_character(client)
        performance = await perform(client, character, "always lost")
        ended = await wait_for(client, f"/v1/performances/{performance['id']}", "succeeded", "failed")

    assert (ended["state"], ended["error"]["code"]) == ("failed", "session_lost")
    assert len(pipeline.started) == platform.settings.admission.max_attempts


async def test_performances_of_a_rejected_character_are_rejected(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    character = await create_character(client, CONSENT.replace("Ada", "nobody"))
    performance = await perform(client, character, "Hello")

    async with running_pipeline(platform):
        ended = await wait_for(
            client, f"/v1/performances/{performance['id']}", "rejected", "failed", "succeeded"
        )

    assert ended["state"] == "rejected"
    again = await client.post(
        "/v1/performances", json={"character_id": character["id"], "text": {"text": "Hello"}}
    )
    assert (again.status_code, again.json()["code"]) == (409, "character_unusable")


async def started_endless(client: httpx.AsyncClient, num: int) -> list[dict[str, Any]]:
    """Performances that never end, as many of them running as may run."""
    character = await create_character(client)
    created = [await perform(client, character, f"endless {number}") for number in range(num)]
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            running = (await client.get("/v1/performances", params={"state": "processing"})).json()["data"]
            if len(running) == min(num, 2):
                return created
            await asyncio.sleep(0.01)


async def test_a_tenant_has_no_more_running_than_it_may_and_the_others_wait_in_line(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with running_pipeline(platform):
        created = await started_endless(client, 4)

    found = [(await client.get(f"/v1/performances/{each['id']}")).json() for each in created]
    assert sorted(each["state"] for each in found) == ["processing", "processing", "queued", "queued"]
    assert [each["queue_position"] for each in found if each["state"] == "queued"] == [1, 2]


async def test_a_cancelled_performance_stops_and_lets_in_the_next(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with running_pipeline(platform) as pipeline:
        created = await started_endless(client, 3)
        queued = (await client.get("/v1/performances", params={"state": "queued"})).json()["data"]
        running = next(each for each in created if each["id"] != queued[0]["id"])

        answer = await client.post(f"/v1/performances/{running['id']}/cancel")

        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        await wait_for(client, f"/v1/performances/{queued[0]['id']}", "processing")
        await until(lambda: pipeline.cancelled == [running["id"]])
    again = await client.post(f"/v1/performances/{running['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_deleted_performance_is_gone_with_its_files(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with running_pipeline(platform) as pipeline:
        created = await started_endless(client, 1)
        path = f"/v1/performances/{created[0]['id']}"

        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404
        await until(lambda: pipeline.cancelled == [created[0]["id"]])
