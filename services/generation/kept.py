"""Where what is kept of sessions lies among the blobs."""

from __future__ import annotations

from typing import Final

from services.generation.domain import Place

__all__ = ["HANDED_ON", "SHOWN", "SPAN_KINDS", "prefix_of"]

SHOWN: Final = "shown-"
HANDED_ON: Final = "handed-"
SPAN_KINDS: Final = (SHOWN, HANDED_ON)


def prefix_of(place: Place) -> str:
    """What the keys of all that is kept of an attempt begin with."""
    return f"{place.tenant}/performances/{place.session_id}/{place.epoch}/snapshots/"
