"""When a stream exists at all: always, only around speech, before or after some moment, or never."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ
from training.worlds.conversation.cast import Line
from training.worlds.speech.clip import SAMPLES_PER_FRAME
from training.worlds.speech.mouth import is_silent
from training.worlds.speech.phones import Phone

Samples = npt.NDArray[np.float32]
Presence = npt.NDArray[np.bool_]
Shape = Literal["always", "around speech", "for a part", "never"]

_CHUNK_S: Final = CHUNK_FRAMES / FRAME_RATE_HZ


def draw_presence(
    rng: np.random.Generator, shares: dict[Shape, float], num_chunks: int
) -> tuple[Shape, Presence]:
    """Draw how a stream exists, and the chunks [C] in which it may."""
    shapes = tuple(shares)
    shape = shapes[int(rng.choice(len(shapes), p=[shares[shape] for shape in shapes]))]
    may = np.full(num_chunks, shape != "never")
    if shape == "for a part":
        moment = int(rng.uniform(0.15, 0.85) * num_chunks)
        may[slice(moment, None) if rng.random() < 0.5 else slice(moment)] = False
    return shape, may


def while_there(lines: list[Line], may: Presence) -> list[Line]:
    """The lines that lie wholly where the stream may exist [C]."""
    return [line for line in lines if may[_chunks(line.start_s, line.end_s, len(may))].all()]


def around_speech(phones: tuple[Phone, ...], num_chunks: int) -> Presence:
    """Chunks [C] in which a stream exists that is sent only while there is something to hear."""
    present = np.zeros(num_chunks, dtype=np.bool_)
    for phone in phones:
        if not is_silent(phone):
            present[_chunks(phone.start_s - 0.04, phone.end_s + 0.12, num_chunks)] = True
    return present


def mute(samples: Samples, present: Presence) -> Samples:
    """Samples [N] with zeros wherever the stream is absent [C]."""
    return np.asarray(samples * np.repeat(present, CHUNK_FRAMES * SAMPLES_PER_FRAME), dtype=np.float32)


def _chunks(start_s: float, end_s: float, num_chunks: int) -> slice:
    first, last = (int(np.clip(at_s / _CHUNK_S, 0, num_chunks)) for at_s in (start_s, end_s))
    return slice(first, last + 1)
