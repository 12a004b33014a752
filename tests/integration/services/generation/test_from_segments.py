"""Encoding and generation with the real engine, portrait and speech, on the embedded bus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import av
import pytest

from services.encoding.handler import open_encoding
from services.encoding.handler import routes as encoding_routes
from services.generation.handler import open_generation
from services.generation.handler import routes as generation_routes
from services.generation.loading import load_lpm, set_engine_threads
from services.generation.lpm import LpmEngine
from services.ingestion.speech import read_speech
from services.kit.blobs import Blobs
from services.kit.bus import Bus, Source
from services.kit.clock import SystemClock
from services.kit.consumer import consume
from services.kit.folder_blobs import open_folder_blobs
from services.kit.memory_bus import MemoryBus
from services.kit.messages import Chunk, Direction, Envelope, Opening, Segment
from services.kit.topics import CHUNKS, SEGMENTS

Video = list[bytes]
NUM_SEGMENTS = 13
SIZE = 256
SMILE = Direction(start_s=0.0, end_s=0.0, text="smile broadly")


async def perform_all(speech: Path, portrait: Path, folder: Path, seeds: Sequence[int]) -> dict[str, Video]:
    """Perform the beginning of a speech once for each seed, all at the same time.

    The first session only speaks, the second one speaks and hears its own echo, the third one only hears,
    and is directed.
    """
    clock, bus = SystemClock(), MemoryBus()
    with ThreadPoolExecutor(1) as pool:
        async with (
            open_folder_blobs(folder) as blobs,
            open_encoding(bus=bus, blobs=blobs, clock=clock, pool=pool) as encoding,
            open_generation(bus=bus, blobs=blobs, clock=clock, engines={"lpm": load}, slots=4) as generation,
            bus.subscribe([CHUNKS.name], "test", _nothing_is_revoked) as subscription,
        ):
            await blobs.put("t/characters/c/portrait", portrait.read_bytes(), "image/jpeg")
            services = [
                asyncio.create_task(consume(bus, "encoding", encoding_routes(encoding))),
                asyncio.create_task(consume(bus, "generation", generation_routes(generation))),
            ]
            await asyncio.gather(*(_speak(bus, speech, seed) for seed in seeds))
            chunks: list[Chunk] = []
            while sum(chunk.is_final for chunk in chunks) < len(seeds):
                chunks.append(CHUNKS.read(await subscription.receive()))
            await _ended(blobs, seeds)
            for service in services:
                service.cancel()
    return _videos(chunks)


async def _nothing_is_revoked(_sources: Sequence[Source]) -> Mapping[Source, int]:
    return {}


def load() -> LpmEngine:
    set_engine_threads(1)
    return load_lpm()


async def _speak(bus: Bus, speech: Path, seed: int) -> None:
    opening = Opening(
        character_id="c", portrait_uri="t/characters/c/portrait", face=0, size=SIZE, engine="lpm", seed=seed
    )
    for sequence, sound in enumerate(islice(read_speech(speech), NUM_SEGMENTS)):
        envelope = Envelope(
            tenant="t",
            session_id=f"s{seed}",
            epoch=0,
            sequence=sequence,
            created_at=SystemClock().now(),
        )
        segment = Segment(
            envelope=envelope,
            speech=None if seed == 3 else sound,
            listen=None if seed == 1 else sound,
            is_final=sequence == NUM_SEGMENTS - 1,
            opening=opening if sequence == 0 else None,
            directions=(SMILE,) if seed == 3 else (),
        )
        await bus.publish([SEGMENTS.outgoing(segment)])


async def _ended(blobs: Blobs, seeds: Sequence[int]) -> None:
    async with asyncio.timeout(60):
        for seed in seeds:
            while await blobs.info(f"t/performances/s{seed}/0/snapshots/ended") is None:
                await asyncio.sleep(0.01)


def _videos(chunks: Sequence[Chunk]) -> dict[str, Video]:
    videos: dict[str, Video] = {}
    for chunk in chunks:
        videos.setdefault(chunk.envelope.session_id, []).extend(chunk.frames)
    return videos


@pytest.fixture(scope="module")
def together(
    example_speech: Path, example_portrait: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Video]:
    folder = tmp_path_factory.mktemp("together")
    return asyncio.run(perform_all(example_speech, example_portrait, folder, [1, 2, 3]))


def test_a_session_among_others_is_the_very_video_it_is_alone(
    together: dict[str, Video], example_speech: Path, example_portrait: Path, tmp_path: Path
) -> None:
    alone = asyncio.run(perform_all(example_speech, example_portrait, tmp_path, [2]))
    assert alone["s2"] == together["s2"]


def test_other_streams_are_another_take(together: dict[str, Video]) -> None:
    assert together["s1"] != together["s2"] != together["s3"]


@pytest.mark.parametrize("session", ["s1", "s3"])
def test_every_frame_of_the_sound_is_there_and_decodes(session: str, together: dict[str, Video]) -> None:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    pictures = [frame for unit in together[session] for frame in decoder.decode(av.Packet(unit))]
    pictures += decoder.decode(None)
    assert len(pictures) == NUM_SEGMENTS * 5
    assert {(frame.width, frame.height) for frame in pictures} == {(SIZE, SIZE)}
