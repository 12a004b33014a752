"""Why a session cannot go on, with the code that tells it to programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.kit.errors import Rejected

__all__ = ["Fault", "rejection_alone"]


class Fault(Rejected):
    """The session fails with a stable code; the text is its detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@contextmanager
def rejection_alone() -> Iterator[None]:
    """Raise what a group of tasks was rejected with by itself, unless something else went wrong as well."""
    try:
        yield
    except ExceptionGroup as group:
        rejected, others = group.split(Rejected)
        if rejected is None or others is not None:
            raise
        raise rejected.exceptions[0] from None
