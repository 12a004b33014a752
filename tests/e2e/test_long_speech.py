from __future__ import annotations

import asyncio
import os
import wave
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from services.generation.video import ClipEncoder
from services.ingestion.adapters.espeak import EspeakVoice
from services.ingestion.handler import open_ingestion
from services.ingestion.handler import routes as ingestion_routes
from services.kit import contracts
from services.kit import messages as m
from services.kit.bus import Bus
from services.kit.clock import SystemClock
from services.kit.consumer import Route, consume, settling
from services.kit.egress import Egress, EgressPolicy
from services.kit.folder_blobs import FolderBlobs
from services.kit.memory_bus import MemoryBus
from services.kit.topics import CHUNKS, PERFORMANCES, SEGMENTS, STATUSES
from services.stitching.handler import routes as stitching_routes

MINUTES = 30
MAX_GROWTH_BYTES = 24_000_000  # the index of an MP4 grows with it, some bytes a frame


@pytest.fixture(scope="module")
def long_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour of noise that comes and goes, at 22.05 kHz."""
    path = tmp_path_factory.mktemp("speech") / "long.wav"
    minute = np.random.default_rng(0).normal(0, 3000, 60 * 22_050)
    minute *= np.sin(np.linspace(0, 60 * np.pi, len(minute))) ** 2
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", ""))
        for _ in range(MINUTES):
            file.writeframes(minute.astype("<i2").tobytes())
    return path


class _Painter:
    """Stands for encoding and generation: the same two seconds of pictures, whatever is said."""

    def __init__(self, bus: Bus, see: Callable[[int], None]) -> None:
        encoder = ClipEncoder()
        self._bus = bus
        self._see = see
        self._opening: m.Opening | None = None
        self._chunks = [
            encoder.encode(
                contracts.Chunk(
                    sequence=sequence, frames=np.full((5, 64, 64, 3), 20 * sequence % 256, np.uint8)
                )
            )
            for sequence in range(m.CLIP_CHUNKS)
        ]

    async def paint(self, segment: m.Segment) -> None:
        self._opening = segment.opening or self._opening
        place = segment.envelope.sequence % m.CLIP_CHUNKS
        chunk = m.Chunk(
            envelope=segment.envelope,
            frames=self._chunks[place],
            is_final=segment.is_final,
            opening=None if place else self._opening,
        )
        await self._bus.publish([CHUNKS.outgoing(chunk)])
        self._see(segment.envelope.sequence)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _perform(speech: Path, folder: Path, see: Callable[[int], None]) -> m.Status:
    bus, blobs, clock = MemoryBus(), FolderBlobs(folder / "blobs"), SystemClock()
    envelope = m.Envelope(
        tenant="t", session_id="s", epoch=0, sequence=0, created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    opening = m.Opening(character_id="c", portrait_uri="t/p", face=0, size=64, engine="lpm", seed=0)
    await blobs.put_file("t/speech", speech, "audio/wav")
    ended: asyncio.Future[m.Status] = asyncio.get_running_loop().create_future()

    async def see_status(status: m.Status) -> None:
        if status.kind is not m.StatusKind.MEASURED:
            ended.set_result(status)

    async with open_ingestion(
        bus=bus, blobs=blobs, voice=EspeakVoice(), egress=Egress(EgressPolicy()), workspace=folder
    ) as ingestion:
        consumers = [
            asyncio.create_task(consume(bus, name, routes))
            for name, routes in (
                ("ingestion", ingestion_routes(ingestion)),
                ("painter", [Route(topic=SEGMENTS, handle=settling(_Painter(bus, see).paint))]),
                ("stitching", stitching_routes(bus, blobs, clock, folder)),
                ("viewer", [Route(topic=STATUSES, handle=settling(see_status))]),
            )
        ]
        await asyncio.sleep(0)
        performance = m.Performance(envelope=envelope, opening=opening, speech_uri="t/speech")
        await bus.publish([PERFORMANCES.outgoing(performance)])
        status = await ended
        for consumer in consumers:
            consumer.cancel()
        await asyncio.gather(*consumers, return_exceptions=True)
    return status


def test_half_an_hour_needs_no_more_memory_than_a_minute(long_wav: Path, tmp_path: Path) -> None:
    resident: list[int] = []

    def see(sequence: int) -> None:
        if sequence == 300:
            resident.append(_resident_bytes())

    status = asyncio.run(_perform(long_wav, tmp_path, see))
    after_a_minute = resident[0]
    assert (status.kind, status.num_frames) == (m.StatusKind.FINISHED, MINUTES * 60 * 25)
    assert _resident_bytes() - after_a_minute < MAX_GROWTH_BYTES
