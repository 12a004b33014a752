from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from standardwebhooks.webhooks import Webhook

from tests.servers.client import Client, Video, cut
from tests.servers.processes import wait_until
from tests.servers.serving import Served, open_served
from tests.servers.videos import pictures_of

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SIZE = 128


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Client]]:
    with open_served(tmp_path_factory.mktemp("platform")) as opened:
        yield opened


@pytest.fixture(scope="module")
def served(platform: tuple[Served, Client]) -> Served:
    return platform[0]


@pytest.fixture(scope="module")
def client(platform: tuple[Served, Client]) -> Client:
    return platform[1]


@pytest.fixture(scope="module")
def character(client: Client, example_portrait: Path) -> str:
    """The example portrait, ready to perform."""
    character_id = client.create_character(example_portrait)
    assert client.wait_for_character(character_id)["state"] == "ready"
    return character_id


@pytest.fixture(scope="module")
def video(client: Client, character: str, short_speech: Path) -> Video:
    """The example character speaking the short speech."""
    return client.video(client.create_performance(character, short_speech, size=SIZE))


@contextmanager
def _receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A product team's end of a webhook: its address, and what came."""
    received: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_performance_from_a_recording_becomes_a_video_of_its_length(video: Video) -> None:
    facts = video.performance["video"]
    assert sha256(video.content).hexdigest() == facts["sha256"]
    with av.open(BytesIO(video.content), "r") as container:
        stream = container.streams.video[0]
        assert (stream.frames, stream.width, stream.height) == (48, SIZE, SIZE)
        assert container.streams.audio[0].codec.name == "aac"


def test_the_served_face_moves_as_the_commands_does(
    video: Video, dramatis: Run, example_portrait: Path, short_speech: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    line = ("perform", example_portrait, "--speech", short_speech, "--output", output, "--size", str(SIZE))
    assert dramatis(*line).returncode == 0
    difference = pictures_of(video.content).astype(np.int16) - pictures_of(output.read_bytes())
    # Rows of a wider step differ in their last bit, and pictures by what that grows to.
    assert np.abs(difference).mean() < 1.0


def test_equal_requests_give_equal_videos(
    video: Video, client: Client, character: str, short_speech: Path
) -> None:
    again = client.video(client.create_performance(character, short_speech, size=SIZE))
    assert again.content == video.content


def test_a_text_is_spoken(client: Client, character: str) -> None:
    asked = {"character_id": character, "text": {"text": "Hello there."}, "size": SIZE}
    spoken = client.video(client.post("/v1/performances", json=asked)["id"])
    with av.open(BytesIO(spoken.content), "r") as container:
        sound = np.concatenate([np.asarray(f.to_ndarray()).ravel() for f in container.decode(audio=0)])
    assert spoken.performance["video"]["duration_s"] > 0.5
    assert np.abs(sound).max() > 0.05


def test_a_driver_is_followed(client: Client, character: str, video: Video) -> None:
    data = {"character_id": character, "size": str(SIZE)}
    files = {"driver": ("driver.mp4", video.content, "video/mp4")}
    followed = client.video(client.post("/v1/performances", data=data, files=files)["id"])
    assert len(pictures_of(followed.content)) == 48


def _converse(client: Client, character: str, speech: Path, listen: bytes, end_s: float) -> str:
    """Ask for a conversation that is directed until `end_s`, and return its id."""
    timeline = [{"start_s": 0.4, "end_s": end_s, "text": "smile wibbly"}]
    data = {"character_id": character, "size": str(SIZE), "timeline": json.dumps(timeline)}
    files = {"speech": ("agent.wav", speech.read_bytes()), "listen": ("user.wav", listen)}
    performance: str = client.post("/v1/performances", data=data, files=files)["id"]
    return performance


def test_a_conversation_is_performed_as_directed_and_offers_its_motion(
    client: Client, character: str, short_speech: Path, example_speech: Path, tmp_path: Path
) -> None:
    listen = cut(example_speech, tmp_path / "user.wav", 1.0, start_s=2.0).read_bytes()
    video = client.video(_converse(client, character, short_speech, listen, end_s=1.9))
    shown = video.performance
    assert (shown["source"]["kind"], shown["listen"]["kind"]) == ("speech_file", "listen_file")
    assert sorted(each["code"] for each in shown["warnings"]) == [
        "direction_not_understood",
        "listen_shorter",
    ]
    with av.open(BytesIO(video.content), "r") as container:
        assert container.streams.video[0].frames == 48
        assert container.streams.audio[0].layout.name == "stereo"
    motion = client.get(shown["motion"]["url"]).json()
    table = client.get(f"{shown['motion']['url']}?format=csv").text.splitlines()
    assert (len(motion["frames"]), len(table)) == (48, 49)
    assert np.ptp(np.array(motion["frames"])[:, motion["names"].index("jawOpen")]) > 0.02


def test_a_timeline_past_the_end_of_a_recording_fails(
    client: Client, character: str, short_speech: Path
) -> None:
    asked = _converse(client, character, short_speech, short_speech.read_bytes(), end_s=7.0)
    failed = client.wait_for_performance(asked)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "timeline_past_end")
    assert "from 0.4 s to 7 s" in failed["error"]["detail"]


def test_progress_is_told_until_the_end(client: Client, character: str, short_speech: Path) -> None:
    events = client.events(client.create_performance(character, short_speech, size=SIZE))
    assert [name for name, _ in events][-1] == "state"
    assert events[-1][1]["state"] == "succeeded"
    done = [event["progress"]["frames_done"] for _, event in events]
    assert done == sorted(done)
    assert done[-1] == 48


def test_a_cancelled_performance_ends_and_its_place_is_free(
    client: Client, character: str, long_speech: Path, short_speech: Path
) -> None:
    performance_id = client.create_performance(character, long_speech, size=SIZE)
    wait_until(
        lambda: client.progress(performance_id)["frames_done"] > 0,
        300.0,
        "the first clip",
    )
    assert client.post(f"/v1/performances/{performance_id}/cancel")["state"] == "cancelled"
    following = client.create_performance(character, short_speech, size=SIZE)
    assert client.wait_for_performance(following)["state"] == "succeeded"


def test_a_webhook_comes_signed(client: Client, character: str, short_speech: Path) -> None:
    with _receiver() as (url, received):
        asked = {"url": url, "event_types": ["performance.succeeded"]}
        secret = client.post("/v1/webhook_endpoints", json=asked)["secret"]
        performance_id = client.create_performance(character, short_speech, size=SIZE)
        wait_until(lambda: bool(received), 120.0, "the webhook")
    headers, body = received[0]
    event = Webhook(secret).verify(body, headers)
    assert event["type"] == "performance.succeeded"
    assert event["data"]["id"] == performance_id


def test_a_portrait_without_a_face_is_rejected(client: Client, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (400, 300), (90, 120, 160)).save(tmp_path / "sky.png")
    rejected = client.wait_for_character(client.create_character(tmp_path / "sky.png"))
    assert rejected["state"] == "rejected"
    assert rejected["reasons"]


def test_a_killed_platform_finishes_what_it_had_begun_with_an_identical_video(
    served: Served, client: Client, character: str, example_speech: Path
) -> None:
    undisturbed = client.video(client.create_performance(character, example_speech, size=SIZE))
    running = client.create_performance(character, example_speech, size=SIZE)
    queued = [client.create_performance(character, example_speech, size=SIZE) for _ in range(2)]
    wait_until(
        lambda: client.progress(running)["frames_done"] > 0,
        300.0,
        "the first clip",
    )
    served.kill()
    served.start()
    for performance_id in (running, *queued):
        assert client.video(performance_id).content == undisturbed.content


def test_a_terminated_platform_ends_by_itself_and_begins_again(
    served: Served, client: Client, character: str
) -> None:
    # Whoever does not end by itself is killed after a minute, and his code is another.
    assert served.stop() == 0
    served.start()
    assert client.get(f"/v1/characters/{character}").json()["state"] == "ready"


def test_a_performance_of_an_engine_that_is_not_served_fails(
    client: Client, character: str, video: Video
) -> None:
    data = {"character_id": character, "engine": "personalive"}
    files = {"driver": ("driver.mp4", video.content, "video/mp4")}
    failed = client.wait_for_performance(client.post("/v1/performances", data=data, files=files)["id"])
    assert failed["state"] == "failed"
    assert failed["error"] == {
        "code": "engine_unavailable",
        "detail": "engine 'personalive' is not served here, expected lpm",
    }


def test_a_platform_that_may_not_serve_its_weights_says_so_in_one_line(
    dramatis: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__PERSONALIVE", str(tmp_path))
    refused = dramatis("serve", "--port", "0", "--data", tmp_path / "data")
    assert refused.returncode == 1
    assert refused.stderr == (
        "dramatis: error: the settings do not fit: the weights of personalive descend from CC-BY-NC-4.0 "
        "material and are not served; where no use is commercial, allow it with "
        "GENERATION_ALLOW_NONCOMMERCIAL=true (docs/licences.md)\n"
    )
    assert not (tmp_path / "data").exists()


def test_a_port_or_folder_that_is_taken_is_one_clear_line(
    served: Served, dramatis: Run, tmp_path: Path
) -> None:
    port = served.url.rpartition(":")[2]
    busy = dramatis("serve", "--port", port, "--data", tmp_path / "other")
    shared = dramatis("serve", "--port", "0", "--data", served.data)
    assert (busy.returncode, shared.returncode) == (1, 1)
    assert busy.stderr.splitlines()[-1].startswith("dramatis: error: cannot listen on 127.0.0.1:")
    assert (
        shared.stderr == f"dramatis: error: data folder {served.data} is in use by another dramatis serve\n"
    )
