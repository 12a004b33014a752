"""Why a user's input cannot be encoded, with the code that tells it to programs."""

from __future__ import annotations

from services.kit.errors import BadInput

__all__ = ["Fault"]


class Fault(BadInput):
    """The user's fault, under a stable code; the text is its detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
