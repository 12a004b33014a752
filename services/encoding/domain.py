"""The rules of encoding: which bundle a session needs, and which sessions are over."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CHARACTER_ENGINE", "CHARACTER_SIZE", "Endings", "Place", "Subject"]

# Every character is prepared for this engine and this size of pictures; others when a performance asks.
CHARACTER_ENGINE = "lpm"
CHARACTER_SIZE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A character's face at a size in pixels, for an engine; `face` counts from 1, 0 takes the largest."""

    tenant: str
    character_id: str
    portrait_uri: str
    face: int
    size: int
    engine: str = CHARACTER_ENGINE

    @property
    def bundle_uri(self) -> str:
        """Where its identity bundle lies."""
        prefix = "" if self.engine == CHARACTER_ENGINE else f"{self.engine}-"
        name = f"{prefix}{self.size}-{self.face}.bundle"
        return f"{self.tenant}/characters/{self.character_id}/identity/{name}"


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

    @property
    def end_uri(self) -> str:
        """Where it is noted that every cue of it was published, or none ever will be."""
        return f"{self.tenant}/performances/{self.session_id}/{self.epoch}/encoded"


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
