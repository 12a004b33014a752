"""`dramatis serve` with engines whose weights are configured: tiny ones, that were never trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import pytest

from tests.servers.client import Client, Video
from tests.servers.metrics import counted
from tests.servers.processes import wait_until
from tests.servers.serving import Served, open_served
from tests.servers.videos import DRIVER_FRAMES, pictures_of, write_driver
from tests.unit.services.generation.fantasytalking.folders import config, make_folders
from tests.unit.services.generation.served import write_weights

SIZE: Final = 64
SPAN_STEPS: Final = config().sampler.steps
_TIMEOUT_S: Final = 300.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Client]]:
    folder = tmp_path_factory.mktemp("platform")
    networks = make_folders(folder / "networks")
    settings = {
        "GENERATION_WEIGHTS__FANTASYTALKING": str(networks.network),
        "GENERATION_FANTASYTALKING__WAN": str(networks.wan),
        "GENERATION_FANTASYTALKING__WAV2VEC2": str(networks.speech),
        "GENERATION_WEIGHTS__PERSONALIVE": str(write_weights(folder / "personalive")),
        "GENERATION_ALLOW_NONCOMMERCIAL": "true",
        "GATEWAY_API__SERVES_METRICS": "true",
        "GATEWAY_API__EVENTS_POLL_S": "0.05",
    }
    with open_served(folder, settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def served(platform: tuple[Served, Client]) -> Served:
    return platform[0]


@pytest.fixture(scope="module")
def client(platform: tuple[Served, Client]) -> Client:
    return platform[1]


@pytest.fixture(scope="module")
def character(client: Client, example_portrait: Path) -> str:
    character_id = client.create_character(example_portrait)
    assert client.wait_for_character(character_id)["state"] == "ready"
    return character_id


@pytest.fixture(scope="module")
def following(
    client: Client, character: str, example_portrait: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Video]:
    """Videos of PersonaLive by what its driver does."""
    folder = tmp_path_factory.mktemp("drivers")
    asked = {
        name: _follow(client, character, write_driver(example_portrait, folder / f"{name}.mp4", pixels))
        for name, pixels in (("still", 0), ("moves", 3))
    }
    return {name: client.video(performance_id) for name, performance_id in asked.items()}


def _follow(client: Client, character: str, driver: Path) -> str:
    data = {"character_id": character, "size": str(SIZE), "engine": "personalive"}
    files = {"driver": (driver.name, driver.read_bytes(), "video/mp4")}
    performance_id: str = client.post("/v1/performances", data=data, files=files)["id"]
    return performance_id


@pytest.fixture(scope="module")
def told(client: Client, character: str, example_speech: Path) -> list[dict[str, Any]]:
    """A film of FantasyTalking as its progress stream tells of it."""
    performance_id = _begin_film(client, character, example_speech)
    return [performance for _, performance in client.events(performance_id)]


@pytest.fixture(scope="module")
def film(client: Client, told: list[dict[str, Any]]) -> Video:
    """The same film when it is done, undisturbed."""
    return client.video(told[-1]["id"])


def _begin_film(client: Client, character: str, speech: Path) -> str:
    return client.create_performance(character, speech, size=SIZE, engine="fantasytalking", seed=3)


def _steps(client: Client) -> int:
    return counted(client.get("/metrics").text, "dramatis_generation_steps_total")


def _cancelled(client: Client) -> int:
    return counted(client.get("/metrics").text, "dramatis_generation_endings_total", outcome="cancelled")


def test_a_driver_is_followed_frame_by_frame_by_an_engine_that_looks_at_it(
    following: dict[str, Video],
) -> None:
    still, moves = (pictures_of(following[name].content).astype(np.int16) for name in ("still", "moves"))
    assert still.shape == moves.shape == (DRIVER_FRAMES, SIZE, SIZE, 3)
    assert np.abs(np.diff(moves, axis=0)).mean() > 1
    assert np.abs(moves - still).mean() > 1


def test_an_engine_that_makes_pictures_offers_no_motion(client: Client, following: dict[str, Video]) -> None:
    performance = following["moves"].performance
    with pytest.raises(httpx.HTTPStatusError) as caught:
        client.get(f"/v1/performances/{performance['id']}/motion")
    assert performance["motion"] is None
    assert caught.value.response.json()["code"] == "not_found"


def test_an_engine_that_streams_tells_of_frames_alone(following: dict[str, Video]) -> None:
    progress = following["moves"].performance["progress"]
    assert (progress["frames_done"], progress["frames_expected"]) == (DRIVER_FRAMES, DRIVER_FRAMES)
    assert (progress["steps_done"], progress["steps_expected"]) == (None, None)


def test_steps_are_told_one_after_the_other_until_the_film_is_done(told: list[dict[str, Any]]) -> None:
    progress = [performance["progress"] for performance in told]
    done = [each["steps_done"] for each in progress if each["steps_done"] is not None]
    expected = progress[-1]["steps_expected"]
    assert told[-1]["state"] == "succeeded"
    assert expected % SPAN_STEPS == 0
    assert {each["steps_expected"] for each in progress} <= {None, expected}
    assert done == sorted(done)
    assert done[-1] == expected
    assert len({steps for steps in done if 0 < steps < expected}) > 1


def test_a_film_lasts_as_long_as_its_speech_and_moves(film: Video) -> None:
    pictures = pictures_of(film.content).astype(np.int16)
    assert pictures.shape == (film.performance["video"]["num_frames"], SIZE, SIZE, 3)
    assert film.performance["video"]["duration_s"] == pytest.approx(9.6, abs=0.05)
    assert np.abs(np.diff(pictures, axis=0)).mean() > 0.1


def test_a_cancelled_film_makes_no_further_step_and_the_next_one_begins(
    client: Client, character: str, film: Video, example_speech: Path, short_speech: Path
) -> None:
    whole = film.performance["progress"]["steps_expected"]
    steps = _steps(client)
    unwanted = _begin_film(client, character, example_speech)
    wait_until(lambda: (client.progress(unwanted)["steps_done"] or 0) > 0, _TIMEOUT_S, "the first step")
    assert client.post(f"/v1/performances/{unwanted}/cancel")["state"] == "cancelled"
    wait_until(lambda: _cancelled(client) == 1, _TIMEOUT_S, "the end of the film")
    wasted = _steps(client) - steps
    next_film = client.video(_begin_film(client, character, short_speech)).performance
    made = _steps(client) - steps - wasted
    assert wasted < whole
    # One that was under way may have been counted late.
    assert made - next_film["progress"]["steps_expected"] in (0, 1)


def test_a_killed_platform_goes_on_with_a_film_behind_its_last_finished_span(
    served: Served, client: Client, character: str, film: Video, example_speech: Path
) -> None:
    whole = film.performance["progress"]["steps_expected"]
    running = _begin_film(client, character, example_speech)
    wait_until(
        lambda: (client.progress(running)["steps_done"] or 0) > SPAN_STEPS, _TIMEOUT_S, "the first span"
    )
    served.kill()
    num_kept = _last_span(served.data, running)
    served.start()
    resumed = client.video(running)
    assert 1 <= num_kept < whole // SPAN_STEPS
    assert _steps(client) == whole - num_kept * SPAN_STEPS
    assert resumed.content == film.content


def _last_span(data: Path, performance_id: str) -> int:
    """How many spans of a film are kept: what the last one hands on bears their number."""
    found = data.glob(f"blobs/*/performances/{performance_id}/*/snapshots/handed-*")
    return max((int(path.name.rpartition("-")[2]) for path in found), default=0)
