"""Who sounds when: phrases and their ends in a recording, by its energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.rig.arrays import F32
from services.kit.contracts import FRAME_SAMPLES

Flags = NDArray[np.bool_]

_BELOW_LOUD_DB: Final = 20.0
_ABOVE_ROOM_DB: Final = 6.0
_LEAST_BELOW_DB: Final = 10.0  # however loud the room seems where a track holds nothing but its voice
_NOTHING_DB: Final = -70.0  # quieter frames are digital silence and say nothing of the room
_LEAST_FRAMES: Final = 2  # shorter bursts are clicks
_PAUSE_FRAMES: Final = 5  # 0.2 s; shorter gaps belong to the phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Frames at 25 fps from `first` up to, not including, `end`."""

    first: int
    end: int


def find_phrases(samples: F32) -> list[Span]:
    """The phrases of a recording float32 [N] of one voice, mono at 16 kHz; 0.2 s of quiet part two of them.

    A frame of 40 ms sounds when it is less than 20 dB below the loud frames (their 95th percentile) and
    at least 6 dB above the room (the 5th percentile of what is not digital silence).
    """
    level_db = _level_db(samples)
    alive = level_db[level_db > _NOTHING_DB]
    if len(alive) == 0:
        return []
    room_db, loud_db = np.percentile(alive, (5, 95))
    gate_db = np.clip(room_db + _ABOVE_ROOM_DB, loud_db - _BELOW_LOUD_DB, loud_db - _LEAST_BELOW_DB)
    sounding = level_db > gate_db
    bursts = [span for span in spans(sounding) if span.end - span.first >= _LEAST_FRAMES]
    return bridged(bursts)


def mark(phrases: list[Span], num_frames: int) -> Flags:
    """Whether each of `num_frames` frames lies in a phrase."""
    marked = np.zeros(num_frames, bool)
    for phrase in phrases:
        marked[phrase.first : phrase.end] = True
    return marked


def widened(marked: Flags, frames: int) -> Flags:
    """Mark also what lies within so many frames of a marked one."""
    return np.asarray(np.convolve(marked, np.ones(2 * frames + 1), mode="same") > 0.5, bool)


def spans(marked: Flags) -> list[Span]:
    """Every run of True, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False])).astype(np.int8)))
    return [Span(first=int(first), end=int(end)) for first, end in edges.reshape(-1, 2)]


def bridged(bursts: list[Span]) -> list[Span]:
    """Join what less than 0.2 s of quiet parts; `bursts` are in order."""
    phrases: list[Span] = []
    for burst in bursts:
        if phrases and burst.first - phrases[-1].end < _PAUSE_FRAMES:
            phrases[-1] = Span(first=phrases[-1].first, end=burst.end)
        else:
            phrases.append(burst)
    return phrases


def _level_db(samples: F32) -> NDArray[np.float64]:
    frames = np.pad(samples, (0, -len(samples) % FRAME_SAMPLES)).reshape(-1, FRAME_SAMPLES)
    return np.asarray(10 * np.log10((frames.astype(np.float64) ** 2).mean(1) + 1e-10))
