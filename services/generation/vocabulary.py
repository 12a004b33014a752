"""What the words of directions mean to the engine: whether anything is understood, and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.lpm.direction import read_direction

__all__ = ["Understanding", "understand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """Whether any text asks for something, and the words `unknown`, each once, in the order of the texts."""

    is_empty: bool
    unknown: tuple[str, ...]


def understand(texts: Iterable[str]) -> Understanding:
    """Read directions as the engine will."""
    readings = [read_direction(text) for text in texts]
    return Understanding(
        is_empty=not any(reading.items for reading in readings),
        unknown=tuple(dict.fromkeys(word for reading in readings for word in reading.unknown)),
    )
