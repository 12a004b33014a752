"""What a performance may be asked to be: what is said, heard or followed, and how it is directed."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from jsonschema import Draft202012Validator

from services.gateway.settings import BodySettings, Settings
from services.kit.errors import Unavailable
from services.kit.messages import MotionIntensity
from tests.api.media import JPEG, MP4, WAV
from tests.api.pipeline import running_pipeline
from tests.api.platform import Platform, add_tenant, client_of, open_platform
from tests.unit.services.gateway.test_life import create_character, wait_for

pytestmark = pytest.mark.anyio

NOBODY: Final = f"chr_{'0' * 26}"
HELLO: Final[dict[str, Any]] = {"text": {"text": "Hello"}}
LISTEN: Final = ("listen.wav", WAV + b"!")
AGENT_URL: Final = "https://files.example.com/agent.wav"
USER_URL: Final = "https://files.example.com/user.wav"


async def ask(client: httpx.AsyncClient, character_id: str = NOBODY, **body: Any) -> httpx.Response:
    return await client.post("/v1/performances", json={"character_id": character_id, **body})


async def send(client: httpx.AsyncClient, character_id: str = NOBODY, **parts: Any) -> httpx.Response:
    """A form: texts are fields, pairs of a name and its content are files."""
    fields = {name: part for name, part in parts.items() if isinstance(part, str)}
    files = {name: part for name, part in parts.items() if not isinstance(part, str)}
    data = {"character_id": character_id} | fields
    return await client.post("/v1/performances", data=data, files=files)


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem["detail"]


async def test_both_tracks_that_were_sent_are_where_ingestion_looks_for_them(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with running_pipeline(platform) as pipeline:
        character = await create_character(client)
        answer = await send(client, character["id"], speech=("speech.wav", WAV), listen=LISTEN)
        assert answer.status_code == 202, answer.text
        done = await wait_for(client, answer.headers["location"], "succeeded", "failed")

    (started,) = pipeline.started
    assert await platform.blobs.get(started.speech_uri) == WAV
    assert await platform.blobs.get(started.listen_uri) == LISTEN[1]
    assert done["source"]["kind"] == "speech_file"
    assert done["listen"] == {
        "kind": "listen_file",
        "url": None,
        "media_type": "audio/wav",
        "size_bytes": len(LISTEN[1]),
    }


@pytest.mark.parametrize(
    ("inputs", "source", "listen", "message"),
    [
        ({"listen_url": USER_URL}, None, "listen_url", {"listen_url": USER_URL}),
        (
            {"speech_url": AGENT_URL, "listen_url": USER_URL},
            "speech_url",
            "listen_url",
            {"speech_url": AGENT_URL, "listen_url": USER_URL},
        ),
        ({**HELLO, "listen_url": USER_URL}, "text", "listen_url", {"listen_url": USER_URL}),
        ({**HELLO, "listen_url": None}, "text", None, {"listen_url": "", "listen_uri": ""}),
        ({"driver_url": AGENT_URL}, "driver_url", None, {"driver_url": AGENT_URL, "speech_url": ""}),
    ],
)
async def test_what_is_given_is_shown_and_told_to_ingestion(
    platform: Platform,
    client: httpx.AsyncClient,
    inputs: dict[str, Any],
    source: str | None,
    listen: str | None,
    message: dict[str, str],
) -> None:
    async with running_pipeline(platform) as pipeline:
        character = await create_character(client)
        answer = await ask(client, character["id"], **inputs)
        assert answer.status_code == 202, answer.text
        shown = await wait_for(client, answer.headers["location"], "succeeded", "failed")

    assert [(shown[name] or {}).get("kind") for name in ("source", "listen")] == [source, listen]
    (started,) = pipeline.started
    assert {name: getattr(started, name) for name in message} == message


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [
        ({"listen": LISTEN}, [None, "listen_file"]),
        ({"listen": LISTEN, "text": json.dumps(HELLO["text"])}, ["text", "listen_file"]),
        ({"listen": LISTEN, "speech_url": AGENT_URL}, ["speech_url", "listen_file"]),
        ({"speech": ("a.wav", WAV), "listen_url": USER_URL}, ["speech_file", "listen_url"]),
        ({"listen": ("film.mp4", MP4)}, [None, "listen_file"]),
    ],
)
async def test_files_may_come_beside_addresses_and_texts(
    client: httpx.AsyncClient, parts: dict[str, Any], kinds: list[str | None]
) -> None:
    character = await create_character(client)

    answer = await send(client, character["id"], **parts)

    assert answer.status_code == 202, answer.text
    assert [(answer.json()[name] or {}).get("kind") for name in ("source", "listen")] == kinds


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({**HELLO, "speech_url": AGENT_URL}, "speech_url and text are given, expected one of them"),
        ({}, "no input is given, expected speech_url, text, listen_url or driver_url"),
        ({"listen_url": None}, "no input is given"),
        ({"driver_url": AGENT_URL, "listen_url": USER_URL}, "a driver takes no other input"),
        ({"driver_url": AGENT_URL, **HELLO}, "driver_url and text are given, but a driver"),
        ({"driver_url": AGENT_URL, "listen_url": None}, "body.listen_url: Extra inputs"),
        ({"text": {"text": " "}}, "body.text.text"),
        ({**HELLO, "size": 511}, "body.size"),
        ({**HELLO, "size": True}, "body.size"),
        ({**HELLO, "engine": "other"}, "body.engine"),
        (
            {**HELLO, "engine": "personalive"},
            "body.engine: personalive takes driver or driver_url alone, found text",
        ),
        (
            {"driver_url": AGENT_URL, "engine": "personalive", "direction": "smiles"},
            "body.direction: personalive follows none",
        ),
        (
            {"driver_url": AGENT_URL, "engine": "fantasytalking"},
            "body.engine: fantasytalking takes speech, speech_url or text alone, found driver_url",
        ),
        (
            {**HELLO, "listen_url": AGENT_URL, "engine": "fantasytalking"},
            "body.engine: fantasytalking takes speech, speech_url or text alone, found listen_url and text",
        ),
        (
            {**HELLO, "engine": "fantasytalking", "timeline": [{"start_s": 0, "text": "waves"}]},
            "body.timeline: fantasytalking follows none",
        ),
        ({"speech_url": "file:///etc/passwd"}, "body.speech_url"),
        ({"listen_url": "file:///etc/passwd"}, "body.listen_url"),
    ],
)
async def test_a_performance_that_is_not_one_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], detail: str
) -> None:
    status, code, found = refusal(await ask(client, **body))

    assert (status, code) == (422, "invalid_request")
    assert detail in found


def _schema_of(platform: Platform, media_type: str) -> Draft202012Validator:
    """What the description says of a body."""
    document = platform.app.openapi()
    content = document["paths"]["/v1/performances"]["post"]["requestBody"]["content"]
    return Draft202012Validator({**content[media_type]["schema"], "components": document["components"]})


ENGINES: Final = ("lpm", "personalive", "fantasytalking")
ASKED: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"direction": "smiles"},
    {"timeline": [{"start_s": 0.0, "text": "nods"}]},
)


async def test_an_engine_takes_in_json_what_the_description_says(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    heard: tuple[dict[str, Any], ...] = ({}, {"listen_url": USER_URL})
    said: tuple[dict[str, Any], ...] = ({}, HELLO, {"speech_url": AGENT_URL}, {"driver_url": AGENT_URL})
    schema = _schema_of(platform, "application/json")
    for engine, inputs, listen, asked in product(({}, *ENGINES), said, heard, ASKED):
        body = {**inputs, **listen, **asked} | ({"engine": engine} if engine else {})
        is_taken = (await ask(client, **body)).status_code == 404
        assert schema.is_valid({"character_id": NOBODY, **body}) is is_taken, body


async def test_an_engine_takes_in_a_form_what_the_description_says(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    files = {"speech": ("s.wav", WAV), "listen": LISTEN, "driver": ("d.mp4", MP4)}
    schema = _schema_of(platform, "multipart/form-data")
    for engine, names, asked in product(ENGINES, (["speech"], ["driver"], ["speech", "listen"]), ASKED):
        fields: dict[str, Any] = {"engine": engine, **asked}
        written = {n: value if isinstance(value, str) else json.dumps(value) for n, value in fields.items()}
        parts: dict[str, Any] = {name: files[name] for name in names} | written
        sent = await send(client, **parts)
        body = {"character_id": NOBODY, **dict.fromkeys(names, "a file"), **fields}
        assert schema.is_valid(body) is (sent.status_code == 404), (body, sent.text)


@pytest.mark.parametrize(
    ("parts", "status", "detail"),
    [
        (
            {"text": '{"text": "Hello"}', "size": (None, b"64")},
            422,
            "no file, expected speech, listen or driver",
        ),
        (
            {"driver": ("d.mp4", MP4), "listen": LISTEN},
            422,
            "body.listen: the file cannot come beside driver",
        ),
        (
            {"listen": LISTEN, "driver": ("d.mp4", MP4)},
            422,
            "body.driver: the file cannot come beside listen",
        ),
        ({"driver": ("d.mp4", MP4), "listen_url": USER_URL}, 422, "a driver takes no other input"),
        ({"listen": LISTEN, "listen_url": USER_URL}, 422, "listen and listen_url are given"),
        ({"speech": LISTEN, "text": '{"text": "Hello"}'}, 422, "speech and text are given"),
        ({"listen": LISTEN, "text": "null"}, 422, "body.text: Extra inputs"),
        ({"listen": LISTEN, "text": "{"}, 400, "not JSON"),
        ({"listen": ("ada.jpg", JPEG)}, 415, "body.listen: image/jpeg, expected sound or video"),
        ({"speech": ("a.wav", WAV), "listen": ("ada.jpg", JPEG)}, 415, "body.listen: image/jpeg"),
    ],
)
async def test_a_form_that_is_no_performance_is_refused_and_leaves_nothing(
    platform: Platform, client: httpx.AsyncClient, parts: dict[str, Any], status: int, detail: str
) -> None:
    found, _, text = refusal(await send(client, **parts))

    assert (found, detail in text) == (status, True), text
    assert not list(platform.blob_folder.rglob("*"))


async def test_both_tracks_count_as_storage_and_neither_stays_without_room(platform: Platform) -> None:
    token = await add_tenant(
        platform.database, platform.clock, "small", storage_bytes=len(JPEG) + len(WAV) + len(LISTEN[1])
    )
    async with client_of(platform, token) as small:
        character = await create_character(small)
        fitting = await send(small, character["id"], speech=("a.wav", WAV), listen=LISTEN)
        before = sorted(platform.blob_folder.rglob("*"))
        refused = await send(small, character["id"], listen=LISTEN)

    assert fitting.status_code == 202
    assert refusal(refused)[:2] == (402, "quota_exceeded")
    assert [path for path in sorted(platform.blob_folder.rglob("*")) if path.is_file()] == [
        path for path in before if path.is_file()
    ]


async def test_a_listen_track_that_is_too_large_is_refused_by_its_name(tmp_path: Path) -> None:
    settings = Settings(bodies=BodySettings(listen_bytes=len(WAV)))
    async with open_platform(tmp_path, settings) as platform, client_of(platform, platform.ours) as client:
        fitting = await send(client, speech=LISTEN, listen=("a.wav", WAV))
        larger = await send(client, speech=LISTEN, listen=LISTEN)

    assert fitting.json()["code"] == "not_found", fitting.text
    assert refusal(larger) == (
        413,
        "payload_too_large",
        f"body.listen: at most {len(WAV)} bytes are allowed",
    )


async def test_where_one_track_cannot_be_stored_neither_stays(
    platform: Platform, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = platform.blobs.put_file

    async def fail_second(key: str, path: Path, content_type: str) -> None:
        if key.endswith("/listen"):
            raise Unavailable("the store does not answer")
        await put_file(key, path, content_type)

    character = await create_character(client)
    monkeypatch.setattr(platform.blobs, "put_file", fail_second)
    answer = await send(client, character["id"], speech=("a.wav", WAV), listen=LISTEN)

    assert refusal(answer)[:2] == (503, "unavailable")
    assert not list(platform.blob_folder.rglob("speech"))
    assert (await client.get("/v1/performances")).json()["data"] == []


async def test_another_listen_track_under_the_same_key_is_another_request(client: httpx.AsyncClient) -> None:
    character = await create_character(client)
    client.headers["Idempotency-Key"] = "once"
    answers = [
        await send(client, character["id"], speech=("a.wav", WAV), listen=("b.wav", content))
        for content in (WAV, WAV, WAV + b"!")
    ]

    assert [answer.status_code for answer in answers] == [202, 202, 422]
    assert answers[1].json() == answers[0].json()
    assert answers[2].json()["code"] == "idempotency_key_reused"


async def test_directions_are_kept_and_told_to_moderation_and_to_ingestion(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    timeline = [
        {"start_s": 3.0, "end_s": None, "text": "nods"},
        {"start_s": 1.0, "end_s": 3.0, "text": "smiles"},
    ]
    async with running_pipeline(platform) as pipeline:
        character = await create_character(client)
        answer = await ask(client, character["id"], **HELLO, direction="calm", timeline=timeline)
        await wait_for(client, answer.headers["location"], "succeeded")

    shown = answer.json()
    assert (shown["direction"], shown["timeline"], shown["warnings"]) == ("calm", timeline, [])
    (started,) = pipeline.started
    assert [(each.start_s, each.end_s, each.text) for each in started.directions] == [
        (0.0, 0.0, "calm"),
        (3.0, 0.0, "nods"),
        (1.0, 3.0, "smiles"),
    ]


async def test_whoever_directs_a_driver_is_warned(client: httpx.AsyncClient) -> None:
    character = await create_character(client)

    answer = await ask(client, character["id"], driver_url=AGENT_URL, direction="calm")

    assert [each["code"] for each in answer.json()["warnings"]] == ["direction_ignored"]


async def test_motion_intensity_is_shown_kept_and_told_to_the_services(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with running_pipeline(platform) as pipeline:
        character = await create_character(client)
        answer = await ask(client, character["id"], **HELLO, motion_intensity={"face": 0.75, "body": 0})
        done = await wait_for(client, answer.headers["location"], "succeeded")

    assert answer.json()["motion_intensity"] == done["motion_intensity"] == {"face": 0.75, "body": 0.0}
    (started,) = pipeline.started
    assert started.opening.motion_intensity == MotionIntensity(face=0.75, body=0.0)


async def test_without_motion_intensity_none_is_told(platform: Platform, client: httpx.AsyncClient) -> None:
    async with running_pipeline(platform) as pipeline:
        character = await create_character(client)
        answer = await ask(client, character["id"], **HELLO)
        await wait_for(client, answer.headers["location"], "succeeded")

    assert answer.json()["motion_intensity"] is None
    assert [started.opening.motion_intensity for started in pipeline.started] == [None]


async def test_a_motion_intensity_that_names_one_part_leaves_the_other_as_usual(
    client: httpx.AsyncClient,
) -> None:
    character = await create_character(client)

    answer = await ask(client, character["id"], **HELLO, motion_intensity={"body": 0.75})

    assert answer.json()["motion_intensity"] == {"face": 0.5, "body": 0.75}


async def test_a_form_takes_motion_intensity_as_json(client: httpx.AsyncClient) -> None:
    character = await create_character(client)

    answer = await client.post(
        "/v1/performances",
        data={"character_id": character["id"], "motion_intensity": '{"face": 1}'},
        files={"speech": ("a.wav", WAV)},
    )

    assert answer.json()["motion_intensity"] == {"face": 1.0, "body": 0.5}


@pytest.mark.parametrize(
    ("asked", "location", "message"),
    [
        ({"face": 1.5}, "body.motion_intensity.face", "less than or equal to 1"),
        ({"face": 0.5, "body": -0.1}, "body.motion_intensity.body", "greater than or equal to 0"),
        ({"body": "much"}, "body.motion_intensity.body", "valid number"),
        ({"head": 0.5}, "body.motion_intensity.head", "Extra inputs"),
        (0.5, "body.motion_intensity", "valid dictionary"),
    ],
)
async def test_a_motion_intensity_that_is_none_is_refused_by_its_entry(
    client: httpx.AsyncClient, asked: Any, location: str, message: str
) -> None:
    problem = (await ask(client, **HELLO, motion_intensity=asked)).json()

    assert problem["code"] == "invalid_request"
    assert [each["location"] for each in problem["errors"]] == [location]
    assert message in problem["errors"][0]["message"]


async def test_whoever_asks_a_driver_for_motion_intensity_is_warned(client: httpx.AsyncClient) -> None:
    character = await create_character(client)

    answer = await ask(client, character["id"], driver_url=AGENT_URL, motion_intensity={"face": 1.0})

    assert [each["code"] for each in answer.json()["warnings"]] == ["motion_intensity_ignored"]


@pytest.mark.parametrize(
    ("timeline", "location", "message"),
    [
        ([(0, 1, "a"), (3, 3, "b")], "body.timeline.1.end_s", "ends at 3 s, expected an end after"),
        ([(2, 1, "a")], "body.timeline.0.end_s", "expected an end after its beginning at 2 s"),
        ([(0, 2, "a"), (1.5, 3, "b")], "body.timeline.1", "while entry 0 is in force, from 0 s to 2 s"),
        ([(5, 6, "a"), (0, None, "b")], "body.timeline.0", "while entry 1 is in force, from 0 s to the end"),
        ([(0, 1, "a"), (-1, 2, "b")], "body.timeline.1.start_s", "greater than or equal to 0"),
        ([(0, 1, "a"), (1, 1e9, "b")], "body.timeline.1.end_s", "less than or equal to 86400"),
        ([(0, 1, " ")], "body.timeline.0.text", "pattern"),
        ([("0", 1, "a")], "body.timeline.0.start_s", "valid number"),
        ([(None, 1, "a")], "body.timeline.0.start_s", "valid number"),
    ],
)
async def test_a_timeline_that_cannot_be_followed_is_refused_by_its_entry(
    client: httpx.AsyncClient, timeline: list[tuple[Any, Any, str]], location: str, message: str
) -> None:
    entries = [{"start_s": start, "end_s": end, "text": text} for start, end, text in timeline]

    problem = (await ask(client, **HELLO, timeline=entries)).json()

    assert problem["code"] == "invalid_request"
    assert [each["location"] for each in problem["errors"]] == [location]
    assert message in problem["errors"][0]["message"]
    assert problem["detail"].startswith(location)


async def test_an_unknown_field_of_an_entry_is_named(client: httpx.AsyncClient) -> None:
    entry = {"start_s": 0, "text": "smiles", "until": 3}

    problem = (await ask(client, **HELLO, timeline=[entry])).json()

    assert [each["location"] for each in problem["errors"]] == ["body.timeline.0.until"]


async def test_a_time_that_is_no_number_is_no_json(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/v1/performances",
        content=b'{"text": {"text": "Hello"}, "timeline": [{"start_s": NaN, "text": "smiles"}]}',
        headers={"Content-Type": "application/json"},
    )

    assert refusal(answer)[:2] == (400, "malformed_request")
