from __future__ import annotations

import os
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.lpm.config import tiny
from services.encoding.speech import encode_speech
from services.ingestion.soundtrack import open_sound
from services.ingestion.speech import read_speech
from services.kit.contracts import Chunk, Cue
from services.stitching.mp4 import stitch

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


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _show(cues: Iterator[Cue], resident: list[int]) -> Iterator[Chunk]:
    """A picture for every frame, and a look at memory after a minute and at the end."""
    for cue in cues:
        if cue.sequence == 300:
            resident.append(_resident_bytes())
        frames = np.full((cue.num_frames, 64, 64, 3), cue.sequence % 256, np.uint8)
        yield Chunk(sequence=cue.sequence, frames=frames)
    resident.append(_resident_bytes())


def test_half_an_hour_needs_no_more_memory_than_a_minute(long_wav: Path, tmp_path: Path) -> None:
    resident: list[int] = []
    cues = encode_speech(read_speech(long_wav), tiny())
    num_frames = stitch(_show(cues, resident), open_sound(long_wav), tmp_path / "out.mp4")
    after_a_minute, at_the_end = resident
    assert num_frames == MINUTES * 60 * 25
    assert at_the_end - after_a_minute < MAX_GROWTH_BYTES
