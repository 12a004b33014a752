"""What the user should know of an input that is performed nevertheless."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, inf

from services.kit import messages as m
from services.kit.contracts import CHUNK_FRAMES, FRAME_RATE_HZ

__all__ = ["notices_of"]


def notices_of(lengths_s: Mapping[str, float], unused: Iterable[m.Direction]) -> tuple[m.Notice, ...]:
    """What to say of tracks of these lengths, and of directions that were never in force."""
    return (*_absences(lengths_s), *(_unused(direction, lengths_s) for direction in unused))


def _absences(lengths_s: Mapping[str, float]) -> Iterable[m.Notice]:
    longest = max(lengths_s, key=lambda name: lengths_s[name])
    for name, length_s in lengths_s.items():
        absent_s = _next_chunk_s(length_s)
        if lengths_s[longest] - absent_s >= 1 / FRAME_RATE_HZ:
            detail = (
                f"{name} lasts {length_s:.2f} s, {lengths_s[longest] - length_s:.2f} s less than {longest}: "
                f"it counts as absent from {absent_s:.1f} s on"
            )
            yield m.Notice(code=f"{name}_shorter", detail=detail)


def _unused(direction: m.Direction, lengths_s: Mapping[str, float]) -> m.Notice:
    end_s = direction.end_s or inf
    times = f"from {direction.start_s:g} s" + (f" to {end_s:g} s" if direction.end_s else " on")
    why = f"the performance lasts {max(lengths_s.values()):.2f} s"
    if _next_chunk_s(direction.start_s) >= end_s:
        why = f"directions change every {CHUNK_FRAMES / FRAME_RATE_HZ:g} s"
    return m.Notice(code="direction_unused", detail=f"the direction {times} is never in force: {why}")


def _next_chunk_s(moment_s: float) -> float:
    """When the first chunk begins that is not before a moment."""
    return ceil(round(moment_s * FRAME_RATE_HZ / CHUNK_FRAMES, 6)) * CHUNK_FRAMES / FRAME_RATE_HZ
