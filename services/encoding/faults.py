"""Why a user's input cannot be encoded, with the code that tells it to programs."""

from __future__ import annotations

from services.kit.engines import CLOCKS
from services.kit.errors import BadInput

__all__ = ["Fault", "check_engine"]


class Fault(BadInput):
    """The user's fault, under a stable code; the text is its detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def check_engine(engine: str) -> None:
    """Raise Fault for an engine that there is none of."""
    if engine not in CLOCKS:
        expected = " or ".join(CLOCKS)
        raise Fault("engine_unknown", f"engine {engine[:40]!r} is not known, expected {expected}")
