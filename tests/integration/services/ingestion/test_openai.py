from __future__ import annotations

import asyncio
import wave
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from fastapi import FastAPI, Header, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.ingestion.adapters.openai import OpenAISpeech
from services.ingestion.domain import InputFault
from services.ingestion.speech import read_speech
from services.kit.errors import Fatal, Unavailable
from services.kit.http import open_http

KEY = "sk-test"


class SpeechRequest(BaseModel):
    model: str
    input: str
    voice: str
    response_format: str = "mp3"


class SpeechServer:
    """A small server of the protocol, with one voice that hums for a tenth of a second a letter."""

    def __init__(self) -> None:
        self.requests: list[SpeechRequest] = []
        self.answer: Callable[[], Awaitable[Response]] | None = None
        self.app = FastAPI()
        self.app.post("/v1/audio/speech")(self._speak)

    async def _speak(self, request: SpeechRequest, authorization: Annotated[str, Header()] = "") -> Response:
        self.requests.append(request)
        if authorization != f"Bearer {KEY}":
            return refusal(401, "Incorrect API key provided")
        if self.answer is not None:
            return await self.answer()
        return Response(hum(len(request.input) / 10), media_type="audio/wav")


def hum(seconds: float) -> bytes:
    sound = np.sin(np.arange(round(seconds * 24_000)) * 0.05) * 8000
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 24_000, 0, "NONE", ""))
        writer.writeframes(sound.astype("<i2").tobytes())
    return file.getvalue()


def refusal(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error"}}, status)


def speak(server: SpeechServer, path: Path, key: str = KEY, **options: float) -> str:
    async def scenario() -> str:
        async with open_http(server.app, "127.0.0.1", 0) as address:
            url = f"http://{address.host}:{address.port}"
            voice = OpenAISpeech(url=url, key=key, model="m", voice="v", **options)  # type: ignore[arg-type]  # a test's
            return await voice.speak("Hello there", "", "en", path)

    return asyncio.run(scenario())


def test_a_text_is_spoken_by_the_server(tmp_path: Path) -> None:
    server = SpeechServer()
    assert speak(server, tmp_path / "a") == "audio/wav"
    assert server.requests == [
        SpeechRequest(model="m", input="Hello there", voice="v", response_format="wav")
    ]
    samples = np.concatenate(list(read_speech(tmp_path / "a")))
    assert samples.size / 16_000 == pytest.approx(1.1, abs=0.01)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_that_cannot_now_is_unavailable(status: int, tmp_path: Path) -> None:
    async def answer() -> Response:
        return refusal(status, "Rate limit reached")

    server = SpeechServer()
    server.answer = answer
    with pytest.raises(Unavailable, match=f"{status}: Rate limit reached"):
        speak(server, tmp_path / "a")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_text_that_the_server_refuses_is_the_fault_of_the_text(status: int, tmp_path: Path) -> None:
    async def answer() -> Response:
        return refusal(status, "input is\ntoo long")

    server = SpeechServer()
    server.answer = answer
    with pytest.raises(InputFault, match="refused by the speech server: input is too long") as caught:
        speak(server, tmp_path / "a")
    assert caught.value.code == "text_unspeakable"


def test_a_wrong_key_is_not_the_fault_of_the_text(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="check its address and key: Incorrect API key"):
        speak(SpeechServer(), tmp_path / "a", key="sk-wrong")


def test_an_error_in_another_form_is_told_as_it_is(tmp_path: Path) -> None:
    async def answer() -> Response:
        return Response("<h1>Bad gateway</h1>", 502)

    server = SpeechServer()
    server.answer = answer
    with pytest.raises(Unavailable, match="502: <h1>Bad gateway</h1>"):
        speak(server, tmp_path / "a")


def test_a_server_that_dawdles_is_unavailable(tmp_path: Path) -> None:
    async def answer() -> Response:
        await asyncio.sleep(1.0)
        return refusal(500, "")

    server = SpeechServer()
    server.answer = answer
    with pytest.raises(Unavailable, match=r"more than 0\.2 s"):
        speak(server, tmp_path / "a", timeout_s=0.2)


def test_an_answer_without_end_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="more than 1000 bytes"):
        speak(SpeechServer(), tmp_path / "a", max_bytes=1000)


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    voice = OpenAISpeech(url="http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="cannot be reached"):
        asyncio.run(voice.speak("Hello", "", "", tmp_path / "a"))


def test_a_format_nobody_knows_ends_the_process() -> None:
    with pytest.raises(Fatal, match="expected wav, mp3"):
        OpenAISpeech(url="http://127.0.0.1:1", response_format="midi")
