"""The rules of generation: whose turn it is, and where a session can be taken up again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Endings", "Place", "Rota", "is_clip_end", "is_clip_start", "resume_points"]

K = TypeVar("K", bound=Hashable)


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


def is_clip_start(sequence: int, clip_chunks: int) -> bool:
    """Whether a chunk begins a clip."""
    return sequence % clip_chunks == 0


def is_clip_end(sequence: int, clip_chunks: int) -> bool:
    """Whether a chunk completes a clip: then a snapshot is due."""
    return is_clip_start(sequence + 1, clip_chunks)


def resume_points(seen: int, clip_chunks: int) -> Iterator[tuple[int, bool]]:
    """The sequences a session may be taken up at, when `seen` is the first cue that is read again.

    They rise without end. Those marked true may have no snapshot though a later one exists; from the
    others on, the first without a snapshot ends the search.
    """
    point = max(clip_chunks, seen - seen % clip_chunks)
    while True:
        yield point, point < seen
        point += clip_chunks
