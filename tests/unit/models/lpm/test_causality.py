"""Nothing that comes later changes a bit of what was shown before."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.audio.logmel import Array
from models.lpm.config import tiny
from models.lpm.direction import encode_items, read_direction
from models.lpm.model import Lpm, LpmChunk, draw_noise
from models.lpm.windows import ListenWindows, SpeakWindows

CHUNKS = 8
CHUNK_SAMPLES = 3200
CHANGE = 4  # the chunk in which the future begins to differ


@pytest.fixture(scope="module")
def lpm() -> Lpm:
    torch.manual_seed(0)
    lpm = Lpm(tiny()).eval().requires_grad_(requires_grad=False)
    for parameter in lpm.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.5)
    return lpm


def sound(seed: int) -> Array:
    return (0.1 * np.random.default_rng(seed).standard_normal(CHUNKS * CHUNK_SAMPLES)).astype(np.float32)


def with_another_future(samples: Array) -> Array:
    start = CHANGE * CHUNK_SAMPLES
    return np.concatenate((samples[:start], sound(9)[start:]))


def perform(lpm: Lpm, speak: Array, listen: Array, texts: list[str]) -> Tensor:
    spoken, heard = SpeakWindows(lpm.config), ListenWindows(lpm.config)
    speaks = [*spoken.push(speak), *spoken.flush()]
    listens = [*heard.push(listen), *heard.flush()]
    generator = torch.Generator().manual_seed(0)
    state, here = lpm.init_state(1), torch.tensor([True])
    motions = []
    for speak_window, listen_window, text in zip(speaks, listens, texts, strict=True):
        concepts, strengths = encode_items(read_direction(text).items)
        chunk = LpmChunk(
            speak=torch.from_numpy(speak_window)[None],
            speaks=here,
            listen=torch.from_numpy(listen_window)[None],
            listens=here,
            concepts=torch.from_numpy(concepts)[None],
            strengths=torch.from_numpy(strengths)[None],
            noise=draw_noise(1, generator),
        )
        motion, state = lpm.step(state, chunk, here)
        motions.append(motion)
    return torch.cat(motions)


def first_difference(one: Tensor, other: Tensor) -> int:
    return next(n for n in range(CHUNKS) if not torch.equal(one[n], other[n]))


def test_what_the_other_says_later_changes_nothing_before(lpm: Lpm) -> None:
    calm = [""] * CHUNKS
    before = perform(lpm, sound(1), sound(2), calm)
    after = perform(lpm, sound(1), with_another_future(sound(2)), calm)
    assert first_difference(before, after) == CHANGE


def test_own_speech_is_heard_one_chunk_ahead_and_no_more(lpm: Lpm) -> None:
    calm = [""] * CHUNKS
    before = perform(lpm, sound(1), sound(2), calm)
    after = perform(lpm, with_another_future(sound(1)), sound(2), calm)
    assert first_difference(before, after) == CHANGE - 1


def test_a_direction_holds_from_its_chunk_on(lpm: Lpm) -> None:
    calm, asked = [""] * CHUNKS, [""] * CHANGE + ["smile"] * (CHUNKS - CHANGE)
    before = perform(lpm, sound(1), sound(2), calm)
    assert first_difference(before, perform(lpm, sound(1), sound(2), asked)) == CHANGE
