"""The rules of ingestion: what may be spoken, how long it may last, and what is in force when."""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor
from typing import Final, Protocol, TypeVar

from services.kit.errors import BadInput

__all__ = [
    "InputFault",
    "Limits",
    "Newest",
    "check_directions",
    "check_length",
    "check_text",
    "in_force",
    "num_frames",
    "num_pictures",
]

_REMEMBERED: Final = 4096
_SPACES: Final = "\t\n\r"
_FORGIVEN_S: Final = 0.04
# A sound that ends this little into a picture does not get the picture.
_TOLERANCE_S: Final = 0.001
# A time that was added up from chunks of 0.2 s still means the chunk's beginning.
_ROUNDING_S: Final = 1e-6


class InputFault(BadInput):
    """The user's input cannot be performed; `code` names the fault for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one performance may ask of ingestion, and how many are served beside each other."""

    sessions: int = 16
    input_bytes: int = 2 << 30
    text_characters: int = 20_000
    fetch_timeout_s: float = 300.0
    # How often a server of the user is asked before the performance fails, and how often our own voice.
    fetch_attempts: int = 4
    voice_attempts: int = 8
    first_pause_s: float = 1.0


class Timed(Protocol):
    """Something that is in force for some seconds; an end of 0 is open."""

    @property
    def start_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...


T = TypeVar("T", bound=Timed)


def in_force(directions: Iterable[T], moment_s: float) -> tuple[T, ...]:
    """Those that are in force at a moment: from their start on, and no longer at their end."""
    moment_s += _ROUNDING_S
    return tuple(
        direction
        for direction in directions
        if direction.start_s <= moment_s and (direction.end_s <= 0 or direction.end_s > moment_s)
    )


def num_frames(duration_s: float, frame_rate_hz: int) -> int:
    """How many pictures a sound of this length needs."""
    return max(1, ceil((duration_s - _TOLERANCE_S) * frame_rate_hz))


def num_pictures(duration_s: float, frame_rate_hz: int) -> int:
    """How many pictures a driving video of this length gives: those that are over by its end."""
    return max(1, floor((duration_s + _TOLERANCE_S) * frame_rate_hz))


def check_length(what: str, duration_s: float, max_duration_s: float) -> None:
    """Raise InputFault when an input is too long; a limit of 0 is none, and a picture more is forgiven."""
    if max_duration_s > 0 and duration_s > max_duration_s + _FORGIVEN_S:
        raise InputFault(
            "too_long", f"{what} lasts {duration_s:.2f} s, expected at most {max_duration_s:g} s"
        )


def check_directions(directions: Iterable[Timed], duration_s: float) -> None:
    """Raise InputFault when a direction begins or ends past the end; a picture more is forgiven."""
    for direction in directions:
        if direction.start_s >= duration_s or direction.end_s > duration_s + _FORGIVEN_S:
            until = f"to {direction.end_s:g} s" if direction.end_s > 0 else "on"
            raise InputFault(
                "timeline_past_end",
                f"the direction from {direction.start_s:g} s {until} lies past the end: "
                f"the performance lasts {duration_s:.2f} s",
            )


def check_text(text: str, max_characters: int) -> str:
    """The text as a voice gets it: in normal form, without spaces around. Raises InputFault."""
    spoken = unicodedata.normalize("NFC", text).strip()
    if len(spoken) > max_characters:
        raise InputFault(
            "text_too_long", f"speech text has {len(spoken)} characters, expected at most {max_characters}"
        )
    if not any(character.isalnum() for character in spoken):
        raise InputFault("text_unspeakable", "speech text has no letter and no digit")
    for position, character in enumerate(spoken):
        if unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} and character not in _SPACES:
            raise InputFault(
                "text_unspeakable",
                f"speech text has the control character U+{ord(character):04X} at {position}",
            )
    return spoken


class Newest:
    """The newest number that was noted of each key; the keys noted longest ago are forgotten."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[tuple[str, str], int] = OrderedDict()

    def note(self, key: tuple[str, str], number: int) -> None:
        """Keep the number, if none newer is known."""
        self._numbers[key] = max(number, self.of(key))
        self._numbers.move_to_end(key)
        if len(self._numbers) > _REMEMBERED:
            self._numbers.popitem(last=False)

    def of(self, key: tuple[str, str]) -> int:
        """The newest number of a key, -1 when there is none."""
        return self._numbers.get(key, -1)
