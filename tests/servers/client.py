"""What a product team does with the API, trying again as clients should: characters, performances, videos."""

from __future__ import annotations

import json
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "rejected"})
_TIMEOUT_S: Final = 30.0
_STREAM_TIMEOUT_S: Final = 300.0
_PAUSE_S: Final = 0.25
_POLL_S: Final = 0.5
# A service that is being started again refuses connections or answers 503.
_TRY_AGAIN: Final = frozenset({429, 502, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A finished performance and its file."""

    performance: dict[str, Any]
    content: bytes


class Client:
    """One tenant's client. Every POST carries a key, so that trying again does nothing twice."""

    def __init__(self, http: httpx.Client, patience_s: float) -> None:
        self._http = http
        self._patience_s = patience_s

    def get(self, path: str) -> httpx.Response:
        """GET until an answer comes."""
        return self._send("GET", path)

    def post(self, path: str, **content: Any) -> dict[str, Any]:
        """POST until an answer comes, and return its JSON; raises httpx.HTTPStatusError for 4xx and 500."""
        headers = {"Idempotency-Key": str(uuid4())}
        answer: dict[str, Any] = self._send("POST", path, headers=headers, **content).json()
        return answer

    def create_character(self, portrait: Path, name: str = "Ada") -> str:
        """Upload a portrait and return the character's id at once."""
        consent = {"kind": "synthetic", "granted_by": "Test", "granted_at": "2026-01-31T12:00:00Z"}
        data = {"name": name, "consent": json.dumps(consent)}
        files = {"portrait": (portrait.name, portrait.read_bytes(), "image/jpeg")}
        character: str = self.post("/v1/characters", data=data, files=files)["id"]
        return character

    def create_performance(self, character_id: str, speech: Path, **fields: Any) -> str:
        """Ask for a performance of a speech file and return its id at once."""
        data = {"character_id": character_id} | {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()
        }
        files = {"speech": (speech.name, speech.read_bytes(), "audio/wav")}
        performance: str = self.post("/v1/performances", data=data, files=files)["id"]
        return performance

    def wait_for_character(self, character_id: str, timeout_s: float = 300.0) -> dict[str, Any]:
        """The character, once it is ready, rejected or failed."""
        final = frozenset({"ready", "rejected", "failed"})
        return self._wait(f"/v1/characters/{character_id}", final, timeout_s)

    def wait_for_performance(self, performance_id: str, timeout_s: float = 600.0) -> dict[str, Any]:
        """The performance, once it has ended."""
        return self._wait(f"/v1/performances/{performance_id}", ENDED, timeout_s)

    def video(self, performance_id: str, timeout_s: float = 600.0) -> Video:
        """Wait for the end and download the video; raises AssertionError when there is none."""
        performance = self.wait_for_performance(performance_id, timeout_s)
        if performance["state"] != "succeeded":
            raise AssertionError(f"{performance_id} is {performance['state']}: {performance['error']}")
        content = self.get(f"/v1/performances/{performance_id}/video").content
        return Video(performance=performance, content=content)

    def events(self, performance_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Everything that the progress stream says until it ends: names, and what the performance was."""
        found, name = [], ""
        with self._http.stream(
            "GET", f"/v1/performances/{performance_id}/events", timeout=_STREAM_TIMEOUT_S
        ) as answer:
            for line in answer.raise_for_status().iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    found.append((name, json.loads(line.removeprefix("data: "))))
        return found

    def progress(self, performance_id: str) -> dict[str, Any]:
        """How far a performance is."""
        return dict(self.get(f"/v1/performances/{performance_id}").json()["progress"])

    def _wait(self, path: str, states: frozenset[str], timeout_s: float) -> dict[str, Any]:
        end_s = time.monotonic() + timeout_s
        while (found := self.get(path).json())["state"] not in states:
            if time.monotonic() > end_s:
                raise TimeoutError(f"{path} is {found['state']} after {timeout_s:g} s: {found}")
            time.sleep(_POLL_S)
        return dict(found)

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        end_s = time.monotonic() + self._patience_s
        while True:
            try:
                response = self._http.request(method, path, **content)
            except httpx.TransportError:
                if time.monotonic() > end_s:
                    raise
            else:
                is_in_flight = response.status_code == httpx.codes.CONFLICT and method == "POST"
                if not (response.status_code in _TRY_AGAIN or is_in_flight) or time.monotonic() > end_s:
                    return response.raise_for_status()
            time.sleep(_PAUSE_S)


@contextmanager
def open_client(url: str, key: str, patience_s: float = 120.0) -> Iterator[Client]:
    """A client with a key, that tries for `patience_s` to get an answer."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
        yield Client(http, patience_s)


def cut(speech: Path, target: Path, seconds: float, start_s: float = 0.0) -> Path:
    """Write a piece of a WAV file."""
    with wave.open(str(speech), "rb") as reader, wave.open(str(target), "wb") as writer:
        writer.setparams(reader.getparams())
        reader.setpos(round(start_s * reader.getframerate()))
        writer.writeframes(reader.readframes(round(seconds * reader.getframerate())))
    return target
