"""Windows of speech: one per chunk, the same however the sound arrives."""

from __future__ import annotations

import numpy as np
import pytest

from models.audio.logmel import Array, log_mel
from models.lpm.config import tiny
from models.lpm.windows import SpeakWindows

CONFIG = tiny()
CHUNK_SAMPLES = 3200


def sound(samples: int) -> Array:
    return (0.1 * np.random.default_rng(0).standard_normal(samples)).astype(np.float32)


def windows_of(samples: Array, size: int) -> list[Array]:
    windows, out = SpeakWindows(CONFIG), []
    for at in range(0, len(samples), size):
        out += windows.push(samples[at : at + size])
    return out + windows.flush()


@pytest.mark.parametrize("samples", [1, 3199, 3200, 3201, 16_000, 17_777])
def test_there_is_one_window_for_every_begun_chunk(samples: int) -> None:
    assert len(windows_of(sound(samples), 1000)) == -(-samples // CHUNK_SAMPLES)


def test_no_sound_gives_no_window() -> None:
    assert SpeakWindows(CONFIG).flush() == []


@pytest.mark.parametrize("size", [1, 333, 3200, 20_000])
def test_the_size_of_the_pieces_does_not_matter(size: int) -> None:
    samples = sound(2 * CHUNK_SAMPLES if size == 1 else 17_777)
    for one, other in zip(windows_of(samples, size), windows_of(samples, 5000), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_window_is_the_chunk_with_its_context() -> None:
    samples = sound(10 * CHUNK_SAMPLES)
    frames = log_mel(samples, CONFIG.logmel)
    start = 6 * CONFIG.chunk_mels - CONFIG.left_context
    np.testing.assert_allclose(
        windows_of(samples, 3200)[6], frames[start : start + CONFIG.window_mels], atol=1e-4
    )


def test_a_window_comes_at_most_a_fifth_of_a_second_after_its_sound() -> None:
    windows = SpeakWindows(CONFIG)
    assert len(windows.push(sound(CHUNK_SAMPLES))) == 0
    assert len(windows.push(sound(CHUNK_SAMPLES))) == 1


def test_flushing_gives_as_many_windows_as_chunks_were_pushed() -> None:
    windows = SpeakWindows(CONFIG)
    assert len(windows.push(sound(5 * CHUNK_SAMPLES))) + len(windows.flush()) == 5
