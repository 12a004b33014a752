"""The voices of any server with OpenAI's POST /v1/audio/speech."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import httpx

from services.ingestion.domain import InputFault
from services.kit.errors import Fatal, Unavailable

__all__ = ["OpenAISpeech"]

_TRY_LATER: Final = (408, 409, 425, 429)
_NOT_OURS: Final = (401, 403, 404)
_TYPES: Final = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "aac": "audio/aac",
}
_LONGEST_ERROR: Final = 64 * 1024


class OpenAISpeech:
    """A `SpeechSynthesizer`. `url` ends before /v1; an empty `key` sends none."""

    def __init__(
        self,
        *,
        url: str,
        key: str = "",
        model: str = "tts-1",
        voice: str = "alloy",
        response_format: str = "wav",
        timeout_s: float = 120.0,
        max_bytes: int = 256 << 20,
    ) -> None:
        if response_format not in _TYPES:
            raise Fatal(f"response format {response_format!r} is not known, expected {', '.join(_TYPES)}")
        self._url = f"{url.rstrip('/')}/v1/audio/speech"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._model = model
        self._voice = voice
        self._format = response_format
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._tls = httpx.create_ssl_context()

    async def speak(self, text: str, voice: str, language: str, path: Path) -> str:  # noqa: ARG002  the protocol has no language: these models hear it in the text
        request = {
            "model": self._model,
            "input": text,
            "voice": voice or self._voice,
            "response_format": self._format,
        }
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._fetch(request, path)
        except TimeoutError as error:
            raise Unavailable(f"the speech server took more than {self._timeout_s:g} s") from error
        except httpx.TransportError as error:
            raise Unavailable(f"the speech server cannot be reached: {type(error).__name__}") from error
        return _TYPES[self._format]

    async def _fetch(self, request: dict[str, str], path: Path) -> None:
        async with (
            httpx.AsyncClient(timeout=self._timeout_s, verify=self._tls) as client,
            client.stream("POST", self._url, json=request, headers=self._headers) as response,
        ):
            if response.status_code != 200:
                await _refuse(response)
            size_bytes = 0
            with await asyncio.to_thread(path.open, "wb") as file:
                async for part in response.aiter_bytes():
                    size_bytes += len(part)
                    if size_bytes > self._max_bytes:
                        raise Unavailable(f"the speech server sends more than {self._max_bytes} bytes")
                    await asyncio.to_thread(file.write, part)


async def _refuse(response: httpx.Response) -> None:
    """Raise what the server's answer means."""
    status, message = response.status_code, await _read_message(response)
    if status >= 500 or status in _TRY_LATER:
        raise Unavailable(f"the speech server answered {status}: {message}")
    if status in _NOT_OURS or status < 400:
        raise Unavailable(f"the speech server answered {status}, check its address and key: {message}")
    raise InputFault("text_unspeakable", f"speech text was refused by the speech server: {message}")


async def _read_message(response: httpx.Response) -> str:
    """The message of an error in OpenAI's form, or the beginning of any other."""
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _LONGEST_ERROR:
            break
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = body.decode(errors="replace")
    return " ".join(str(message).split())[:200]
