from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ingestion.domain import Limits
from tests.unit.services.ingestion.conftest import Studio, performance

Tone = Callable[..., NDArray[np.float32]]
AudioWriter = Callable[..., Path]
VideoWriter = Callable[..., Path]
MakeStudio = Callable[..., Studio]


class FileServer:
    """Serves what it holds at every path, and counts how often."""

    def __init__(self, content: bytes, status: str = "200 OK") -> None:
        self.content = content
        self.status = status
        self.served = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.served += 1
        writer.write(f"HTTP/1.1 {self.status}\r\nConnection: close\r\n\r\n".encode() + self.content)
        await writer.drain()
        writer.close()


def perform_urls(studio: Studio, server: FileServer, *epochs: int, kind: str = "speech_url") -> None:
    async def scenario() -> None:
        async with server.running() as url:
            for epoch in epochs:
                await studio.finish(performance(epoch=epoch, **{kind: url}))

    asyncio.run(scenario())


def test_a_url_is_fetched_once_and_kept(studio: MakeStudio, tone: Tone, write_audio: AudioWriter) -> None:
    service = studio()
    server = FileServer(write_audio("a.wav", tone(0.5)).read_bytes())
    perform_urls(service, server, 0, 1)
    assert server.served == 1
    assert [segment.envelope.epoch for segment in service.segments()] == [0, 0, 0, 1, 1, 1]
    assert asyncio.run(service.blobs.get("ten_a/performances/per_a/speech")) == server.content


def test_a_track_to_listen_to_at_a_url_becomes_a_blob(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    server = FileServer(write_audio("a.wav", tone(0.5)).read_bytes())
    perform_urls(service, server, 0, 1, kind="listen_url")
    assert server.served == 1
    assert asyncio.run(service.blobs.get("ten_a/performances/per_a/listen")) == server.content


def test_a_driver_at_a_url_becomes_a_blob(studio: MakeStudio, write_video: VideoWriter) -> None:
    service = studio()
    server = FileServer(write_video("a.mp4", [50] * 5, [n / 25 for n in range(5)]).read_bytes())
    perform_urls(service, server, 0, kind="driver_url")
    [segment] = service.segments()
    assert segment.driver_uri == "ten_a/performances/per_a/driver"
    assert asyncio.run(service.blobs.get(segment.driver_uri)) == server.content


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"x", "404 Not Found", "input_unreachable"),
        (b"x", "500 Oops", "input_unreachable"),
        (b"x", "200 OK", "input_unreadable"),
        (b"", "200 OK", "input_unreadable"),
        (bytes(2000), "200 OK", "input_too_large"),
    ],
)
def test_a_url_without_a_file_fails(content: bytes, status: str, code: str, studio: MakeStudio) -> None:
    service = studio(limits=Limits(input_bytes=1000, fetch_attempts=1))
    perform_urls(service, FileServer(content, status), 0)
    assert service.failure()[0] == code
    assert "127.0.0.1" not in service.failure()[1]


def test_a_url_is_tried_again_before_it_fails(studio: MakeStudio) -> None:
    service = studio(limits=Limits(fetch_attempts=2, first_pause_s=0.01))
    server = FileServer(b"", "503 Later")
    perform_urls(service, server, 0)
    assert server.served == 2
