"""What the user should know of directions that nothing speaks against: words that no engine knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.lpm.direction import read_direction
from services.kit.engines import SPOKEN_ENGINES
from services.kit.messages import Notice

__all__ = ["notices_of"]

_NOT_UNDERSTOOD: Final = "direction_not_understood"
_MAX_QUOTED: Final = 12
_MAX_CHARACTERS: Final = 40


def notices_of(directions: Sequence[str], engine: str) -> tuple[Notice, ...]:
    """One notice about the words of all directions that ask for nothing known, if there are any.

    There are none for an engine that reads words of any kind.
    """
    if engine in SPOKEN_ENGINES:
        return ()
    readings = [read_direction(text) for text in directions]
    unknown = list(dict.fromkeys(word for reading in readings for word in reading.unknown))
    num_empty = sum(not reading.items for reading in readings)
    faults = []
    if unknown:
        num_more = len(unknown) - _MAX_QUOTED
        quoted = ", ".join(word[:_MAX_CHARACTERS] for word in unknown[:_MAX_QUOTED])
        faults.append(
            f"not understood and ignored: {quoted}" + (f" and {num_more} more" if num_more > 0 else "")
        )
    if num_empty:
        faults.append(f"{num_empty} of {len(readings)} directions ask for nothing that is known")
    return (Notice(code=_NOT_UNDERSTOOD, detail="; ".join(faults)),) if faults else ()
