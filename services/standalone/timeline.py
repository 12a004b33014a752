"""Directions of the command: one text for the whole video, or a file with a timeline of texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Final, NoReturn

from services.kit.contracts import FRAME_RATE_HZ
from services.kit.errors import BadInput
from services.kit.messages import Direction

__all__ = ["Timeline", "read_direction", "read_timeline"]

# As the HTTP API has them.
_MAX_CHARACTERS: Final = 500
_MAX_ENTRIES: Final = 100
_LONGEST_S: Final = 86_400.0
_MAX_BYTES: Final = 1 << 20
_FIELDS: Final = ("start_s", "end_s", "text")
_QUOTED_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The directions of a file, by their place in it."""

    path: Path
    entries: tuple[Direction, ...]

    def check_within(self, duration_s: float) -> None:
        """Raise BadInput when an entry leaves a video of this length; a frame is forgiven."""
        for number, entry in enumerate(self.entries, 1):
            if entry.start_s >= duration_s or entry.end_s > duration_s + 1 / FRAME_RATE_HZ:
                fault = f"lies past the end of the sound, which lasts {duration_s:.2f} s"
                raise BadInput(f"timeline {self.path}: entry {number} ({_describe(entry)}) {fault}")


def read_direction(text: str) -> Direction:
    """The direction of a whole video. Raises BadInput when the text is empty or too long."""
    if fault := _fault_of_text(text):
        raise BadInput(f"direction {fault}")
    return Direction(start_s=0.0, end_s=0.0, text=text)


def read_timeline(path: Path) -> Timeline:
    """The directions of a JSON file. Raises BadInput, which names the entry, when they cannot be followed."""
    found = _load(path)
    if not isinstance(found, list):
        raise BadInput(f"timeline {path} holds {_kind(found)}, expected a list of entries")
    if not 0 < len(found) <= _MAX_ENTRIES:
        raise BadInput(f"timeline {path} has {len(found)} entries, expected 1 to {_MAX_ENTRIES}")
    entries = tuple(_parse(path, number, item) for number, item in enumerate(found, 1))
    _check_apart(path, entries)
    return Timeline(path=path, entries=entries)


def _load(path: Path) -> object:
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise BadInput(f"timeline {path} has {size} bytes, expected at most {_MAX_BYTES}")
        return json.loads(path.read_text("utf-8-sig"), parse_constant=_refuse_constant)
    except OSError as error:
        raise BadInput(f"timeline {path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"timeline {path} is not JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _parse(path: Path, number: int, item: object) -> Direction:
    """The entry, if it is one; an end that is left out, or null, is the video's."""
    try:
        return _read_entry(item)
    except ValueError as fault:
        raise BadInput(f"timeline {path}: entry {number} ({_shorten(json.dumps(item))}) {fault}") from None


def _read_entry(item: object) -> Direction:
    """Raise ValueError with what is wrong."""
    if not isinstance(item, dict):
        raise ValueError(f"is {_kind(item)}, expected an object")
    if unknown := sorted(set(item) - set(_FIELDS)):
        raise ValueError(f"has the unknown field {unknown[0]!r}, expected {', '.join(_FIELDS)}")
    for name in ("start_s", "text"):
        if name not in item:
            raise ValueError(f"has no {name}")
    start_s = _seconds("start_s", item["start_s"])
    end_s = None if item.get("end_s") is None else _seconds("end_s", item["end_s"])
    if end_s is not None and end_s <= start_s:
        raise ValueError(f"ends at {end_s:g} s, not after it begins at {start_s:g} s")
    if not isinstance(item["text"], str):
        raise ValueError(f"has {_kind(item['text'])} as text, expected a text")
    if fault := _fault_of_text(item["text"]):
        raise ValueError(f"has a text that {fault}")
    return Direction(start_s=start_s, end_s=end_s or 0.0, text=item["text"])


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"has {_kind(value)} as {name}, expected seconds")
    if not 0 <= value <= _LONGEST_S:
        raise ValueError(f"has {_shorten(str(value))} as {name}, expected 0 to {_LONGEST_S:g} seconds")
    return float(value)


def _check_apart(path: Path, entries: Sequence[Direction]) -> None:
    ordered = sorted(enumerate(entries, 1), key=lambda numbered: numbered[1].start_s)
    for (other, earlier), (number, later) in pairwise(ordered):
        if later.start_s < (earlier.end_s or inf):
            fault = f"overlaps with entry {other} ({_describe(earlier)})"
            raise BadInput(f"timeline {path}: entry {number} ({_describe(later)}) {fault}")


def _fault_of_text(text: str) -> str:
    """What is wrong with the text of a direction, nothing if it can be read."""
    if not text.strip():
        return "is empty"
    if len(text) > _MAX_CHARACTERS:
        return f"has {len(text)} characters, expected at most {_MAX_CHARACTERS}"
    return ""


def _describe(entry: Direction) -> str:
    until = f"to {entry.end_s:g} s" if entry.end_s else "to the end"
    return f"{entry.start_s:g} {until}, {_shorten(json.dumps(entry.text))}"


def _shorten(text: str) -> str:
    return text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}..."


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
