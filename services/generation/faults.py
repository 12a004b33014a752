"""Why a session cannot go on, with the code that tells it to programs."""

from __future__ import annotations

from services.kit.errors import Rejected

__all__ = ["Fault"]


class Fault(Rejected):
    """The session fails with a stable code; the text is its detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
