"""The motion of a finished performance, as other renderers read it."""

from __future__ import annotations

import csv
import io

import httpx
import numpy as np
import pytest
from sqlalchemy import update

from services.kit.database.tables import Performance
from services.kit.live_link import LIVE_LINK_COLUMNS, live_link_values
from services.kit.motion import MOTION_NAMES
from tests.api.pipeline import motion_of, running_pipeline
from tests.api.platform import Platform
from tests.unit.services.gateway.test_life import create_character, perform, started_endless, wait_for

pytestmark = pytest.mark.anyio

# More than becomes text at a time.
NUM_FRAMES = 650


@pytest.fixture
async def path(platform: Platform, client: httpx.AsyncClient) -> str:
    """Where the motion of a finished performance is, as its resource says."""
    async with running_pipeline(platform, NUM_FRAMES):
        performance = await perform(client, await create_character(client), "Hello")
        done = await wait_for(client, f"/v1/performances/{performance['id']}", "succeeded")
    assert performance["motion"] is None
    assert (done["motion"]["num_frames"], done["motion"]["frame_rate_hz"]) == (NUM_FRAMES, 25)
    found: str = done["motion"]["url"]
    return found


async def test_the_json_has_every_number_of_every_frame(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    found = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert (found["version"], found["frame_rate_hz"], tuple(found["names"])) == (1, 25, MOTION_NAMES)
    assert np.allclose(np.array(found["frames"]), motion_of(NUM_FRAMES), atol=1e-6)


async def test_the_csv_is_that_of_live_link_face(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, params={"format": "csv"})

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].endswith('.csv"')
    assert [float(rows[-1][name]) for name in LIVE_LINK_COLUMNS] == pytest.approx(
        live_link_values(motion_of(NUM_FRAMES))[-1], abs=1e-6
    )
    assert len(rows) == NUM_FRAMES


async def test_each_format_has_its_own_tag(client: httpx.AsyncClient, path: str) -> None:
    tag = (await client.get(path)).headers["etag"]

    again = await client.get(path, headers={"If-None-Match": tag})
    other = await client.get(path, params={"format": "csv"}, headers={"If-None-Match": tag})

    assert (again.status_code, again.content, other.status_code) == (304, b"", 200)


async def test_another_format_is_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, params={"format": "fbx"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_there_is_no_motion_before_the_end(platform: Platform, client: httpx.AsyncClient) -> None:
    async with running_pipeline(platform):
        (performance,) = await started_endless(client, 1)
        answer = await client.get(f"/v1/performances/{performance['id']}/motion")

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_video_that_was_made_without_motion_has_none(
    platform: Platform, client: httpx.AsyncClient, path: str
) -> None:
    async with platform.database.begin() as session:
        await session.execute(update(Performance).values(motion_uri=None))

    answer = await client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await client.get(path.removesuffix("/motion"))).json()["motion"] is None
