"""What makes a timeline one: every entry has a time of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from services.gateway.api.performances.models import CueIn
from services.gateway.problems import INVALID_REQUEST, FieldError, Problem

__all__ = ["check_timeline"]


def check_timeline(timeline: Sequence[CueIn]) -> None:
    """Raise Problem invalid_request, which names the entries from 0 on, unless each has its own time.

    Each ends after it begins, and no two are in force at the same moment. They may come in any order.
    """
    faults = [*_backward(timeline)] or [*_overlapping(timeline)]
    if faults:
        raise Problem(INVALID_REQUEST, f"{faults[0].location}: {faults[0].message}", errors=faults)


def _backward(timeline: Sequence[CueIn]) -> Iterator[FieldError]:
    for number, cue in enumerate(timeline):
        if cue.end_s is not None and cue.end_s <= cue.start_s:
            message = f"ends at {cue.end_s:g} s, expected an end after its beginning at {cue.start_s:g} s"
            yield FieldError(location=f"body.timeline.{number}.end_s", message=message)


def _overlapping(timeline: Sequence[CueIn]) -> Iterator[FieldError]:
    in_order = sorted(enumerate(timeline), key=lambda numbered: numbered[1].start_s)
    for (number, earlier), (later_number, later) in pairwise(in_order):
        end_s = inf if earlier.end_s is None else earlier.end_s
        if later.start_s < end_s:
            until = "the end" if earlier.end_s is None else f"{earlier.end_s:g} s"
            message = (
                f"begins at {later.start_s:g} s, while entry {number} is in force, "
                f"from {earlier.start_s:g} s to {until}"
            )
            yield FieldError(location=f"body.timeline.{later_number}", message=message)
