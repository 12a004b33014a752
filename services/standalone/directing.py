"""How the user directs a performance: by a text or a timeline, and what of it nobody understands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.generation.vocabulary import understand
from services.kit.errors import BadInput
from services.kit.messages import Direction, MotionIntensity
from services.standalone.terminal import Terminal
from services.standalone.timeline import read_direction, read_timeline

__all__ = ["DirectionRequest", "read_directions", "read_intensity", "read_prompt"]

_MAX_QUOTED: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionRequest:
    """The options --direction and --timeline; at most one may be given."""

    text: str | None
    timeline: Path | None


def read_directions(
    request: DirectionRequest, measure_s: Callable[[], float], terminal: Terminal
) -> tuple[Direction, ...]:
    """The directions of a performance as long as `measure_s` finds; tell what is not understood.

    Raises BadInput, which names the entry of a timeline, when they cannot be followed.
    """
    if request.text is not None and request.timeline is not None:
        raise BadInput("--direction and --timeline exclude each other, expected one of them")
    directions: tuple[Direction, ...] = ()
    if request.text is not None:
        directions = (read_direction(request.text),)
    if request.timeline is not None:
        timeline = read_timeline(request.timeline)
        timeline.check_within(measure_s())
        directions = timeline.entries
    if directions:
        _tell_unknown(directions, terminal)
    return directions


def read_prompt(request: DirectionRequest, engine: str) -> tuple[Direction, ...]:
    """The direction of an engine that takes one, in words of any kind. Raises BadInput for a timeline."""
    if request.timeline is not None:
        raise BadInput(f"--timeline cannot be followed: engine {engine} takes one --direction")
    return () if request.text is None else (read_direction(request.text),)


def read_intensity(face: float | None, body: float | None) -> MotionIntensity | None:
    """The options --motion-intensity-face and --motion-intensity-body; None when neither is given.

    Raises BadInput, which names the option, for what is not a number from 0 to 1.
    """
    given = {name: value for name, value in (("face", face), ("body", body)) if value is not None}
    for name, value in given.items():
        if not 0.0 <= value <= 1.0:
            raise BadInput(f"--motion-intensity-{name} is {value:g}, expected 0 to 1")
    return MotionIntensity(**given) if given else None


def _tell_unknown(directions: Sequence[Direction], terminal: Terminal) -> None:
    understanding = understand(direction.text for direction in directions)
    found = []
    if understanding.unknown:
        quoted = ", ".join(understanding.unknown[:_MAX_QUOTED])
        num_more = len(understanding.unknown) - _MAX_QUOTED
        found.append(
            f"not understood and ignored: {quoted}" + (f" and {num_more} more" if num_more > 0 else "")
        )
    if understanding.is_empty:
        found.append("the direction asks for nothing that is known, docs/direction.md lists what is")
    if found:
        terminal.note("; ".join(found))
