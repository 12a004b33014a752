"""The inputs of a performance, whatever they are, as files and as blobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from io import BufferedWriter
from pathlib import Path
from typing import Final

from services.ingestion.domain import InputFault, Limits, check_text
from services.ingestion.threads import in_thread
from services.ingestion.voice import SpeechSynthesizer
from services.kit import messages as m
from services.kit.blobs import Blobs
from services.kit.egress import Egress, EgressRefused, TooLarge, UnusableAnswer
from services.kit.errors import BlobMissing, Unavailable

__all__ = ["Inputs", "inputs_of"]

_LONGEST_PAUSE_S: Final = 30.0


class Inputs:
    """Fetches inputs. What a URL or a voice gave once is kept as a blob, so that it never changes."""

    def __init__(self, blobs: Blobs, voice: SpeechSynthesizer, egress: Egress, limits: Limits) -> None:
        self._blobs = blobs
        self._voice = voice
        self._egress = egress
        self._limits = limits

    async def fetch(self, performance: m.Performance, name: str, path: Path) -> str:
        """Write the input `name` to a file and return the key of its blob. Raises InputFault."""
        if name == "speech" and performance.speech_text is not None:
            return await self._make(performance, path, name, self._speak(performance.speech_text, path))
        uri, url = _places_of(performance)[name]
        if url:
            return await self._make(performance, path, name, self._download(url, name, path))
        return await self._read(uri, name, path)

    async def _read(self, key: str, name: str, path: Path) -> str:
        try:
            await self._blobs.get_file(key, path)
        except BlobMissing as error:
            raise InputFault("input_missing", f"{name}: the uploaded file is no longer there") from error
        return key

    async def _make(
        self, performance: m.Performance, path: Path, name: str, make: Callable[[], Awaitable[str]]
    ) -> str:
        envelope = performance.envelope
        key = f"{envelope.tenant}/performances/{envelope.session_id}/{name}"
        if await self._blobs.info(key) is not None:
            return await self._read(key, name, path)
        await self._blobs.put_file(key, path, await make())
        return key

    def _speak(self, spoken: m.SpokenText, path: Path) -> Callable[[], Awaitable[str]]:
        async def make() -> str:
            text = check_text(spoken.text, self._limits.text_characters)

            async def attempt() -> str:
                return await self._voice.speak(text, spoken.voice, spoken.language, path)

            return await self._patiently(attempt, self._limits.voice_attempts, "voice_unavailable", "speech")

        return make

    def _download(self, url: str, name: str, path: Path) -> Callable[[], Awaitable[str]]:
        async def make() -> str:
            return await self._patiently(
                lambda: self._download_once(url, name, path),
                self._limits.fetch_attempts,
                "input_unreachable",
                name,
            )

        return make

    async def _download_once(self, url: str, name: str, path: Path) -> str:
        limits = self._limits
        with await in_thread(lambda: path.open("wb")) as file:
            try:
                await self._egress.download(
                    url, _into(file), max_bytes=limits.input_bytes, timeout_s=limits.fetch_timeout_s
                )
            except EgressRefused as error:
                raise InputFault("input_refused", f"{name} URL is refused: {error}") from error
            except UnusableAnswer as error:
                raise InputFault("input_unreachable", f"{name} cannot be fetched: {error}") from error
            except TooLarge as error:
                raise InputFault("input_too_large", f"{name} is too large: {error}") from error
        # What the server calls it is the server's opinion.
        return "application/octet-stream"

    async def _patiently(
        self, attempt: Callable[[], Awaitable[str]], attempts: int, code: str, name: str
    ) -> str:
        """The result of `attempt`; when it is Unavailable too often, that is a fault of the performance."""
        pause_s = self._limits.first_pause_s
        for _ in range(attempts - 1):
            try:
                return await attempt()
            except Unavailable:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        try:
            return await attempt()
        except Unavailable as error:
            raise InputFault(code, f"{name} cannot be had: {error}") from error


def inputs_of(performance: m.Performance) -> tuple[str, ...]:
    """Which inputs a performance has: a driver, or speech, listen or both."""
    found = [name for name, places in _places_of(performance).items() if any(places)]
    return ("speech", *found) if performance.speech_text is not None else tuple(found)


def _places_of(performance: m.Performance) -> dict[str, tuple[str, str]]:
    """The blob and the URL of each input; empty where there is none."""
    return {
        "speech": (performance.speech_uri, performance.speech_url),
        "listen": (performance.listen_uri, performance.listen_url),
        "driver": (performance.driver_uri, performance.driver_url),
    }


def _into(file: BufferedWriter) -> Callable[[bytes], Awaitable[None]]:
    async def sink(part: bytes) -> None:
        await in_thread(lambda: file.write(part))

    return sink
