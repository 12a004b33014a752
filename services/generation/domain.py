"""The rules of generation: whose turn it is, where a session can be taken up, and what it is doing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeVar

__all__ = [
    "Activity",
    "Endings",
    "Listener",
    "Loudness",
    "Place",
    "Rota",
    "is_clip_end",
    "is_clip_start",
    "resume_points",
]

K = TypeVar("K", bound=Hashable)

# A voice sounds while it is at most this far below its own usual level, and not below this of full scale.
_GATE_DB: Final = -18.0
_FLOOR_DB: Final = -50.0
# A voice that pauses for no longer than this still sounds: 0.4 s.
_HANGOVER_CHUNKS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One attempt at one session: a higher epoch is a later attempt."""

    tenant: str
    session_id: str
    epoch: int

    @property
    def session(self) -> tuple[str, str]:
        """Whose attempt it is."""
        return self.tenant, self.session_id


class Endings:
    """Which sessions are over, as far as is remembered: the last `bound` of them."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._epochs: dict[tuple[str, str], int] = {}

    def add(self, place: Place) -> None:
        """Note that an attempt is over, and with it all before it."""
        last = self._epochs.pop(place.session, place.epoch)
        self._epochs[place.session] = max(last, place.epoch)
        if len(self._epochs) > self._bound:
            del self._epochs[next(iter(self._epochs))]

    def cover(self, place: Place) -> bool:
        """Whether an attempt is known to be over."""
        return place.epoch <= self._epochs.get(place.session, -1)


class Rota(Generic[K]):
    """Whose turn it is: whoever was served goes behind everybody who was not."""

    def __init__(self) -> None:
        self._turns: dict[K, None] = {}

    def join(self, member: K) -> None:
        """Add a member behind the others; one that is there keeps its turn."""
        self._turns.setdefault(member)

    def leave(self, member: K) -> None:
        """Remove a member, if it is there."""
        self._turns.pop(member, None)

    def pick(self, is_ready: Callable[[K], bool], places: int) -> list[K]:
        """Up to `places` ready members, those first who waited longest; it counts as their turn."""
        picked: list[K] = []
        for member in self._turns:
            if len(picked) == places:
                break
            if is_ready(member):
                picked.append(member)
        for member in picked:
            del self._turns[member]
            self._turns[member] = None
        return picked


class Activity(Enum):
    """What a session is doing, by the voices that sound. Nothing that performs ever sees it."""

    IDLE = "idle"
    LISTENING = "listening"
    SPEAKING = "speaking"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """How loud a chunk of a stream is, against full scale and against what the stream usually is."""

    full_scale_db: float
    relative_db: float


class Listener:
    """Names what a session is doing, chunk by chunk."""

    def __init__(self) -> None:
        self.activity = Activity.IDLE
        self._speaking_for = self._listening_for = 0

    def hear(self, speak: Loudness | None, listen: Loudness | None) -> Activity:
        """The activity with one more chunk; a stream that is absent is None, and silent at once."""
        self._speaking_for = _remaining(self._speaking_for, speak)
        self._listening_for = _remaining(self._listening_for, listen)
        if self._speaking_for:
            self.activity = Activity.OVERLAP if self._listening_for else Activity.SPEAKING
        else:
            self.activity = Activity.LISTENING if self._listening_for else Activity.IDLE
        return self.activity


def _remaining(chunks: int, loudness: Loudness | None) -> int:
    """For how many chunks a voice counts as sounding, this one included."""
    if loudness is None:
        return 0
    if loudness.relative_db >= _GATE_DB and loudness.full_scale_db >= _FLOOR_DB:
        return _HANGOVER_CHUNKS + 1
    return max(0, chunks - 1)


def is_clip_start(sequence: int, clip_chunks: int) -> bool:
    """Whether a chunk begins a clip."""
    return sequence % clip_chunks == 0


def is_clip_end(sequence: int, clip_chunks: int) -> bool:
    """Whether a chunk completes a clip: then a snapshot is due."""
    return is_clip_start(sequence + 1, clip_chunks)


def resume_points(seen: int, clip_chunks: int, lag: int = 0) -> Iterator[tuple[int, bool]]:
    """The chunks a session may be taken up at, when `seen` is the first cue that is read again.

    A chunk leaves up to `lag` cues after its own. The points rise without end. Those marked true may have no
    snapshot though a later one exists; from the others on, the first without a snapshot ends the search.
    """
    first = max(0, seen - lag)
    point = max(clip_chunks, first - first % clip_chunks)
    while True:
        yield point, point < seen
        point += clip_chunks
