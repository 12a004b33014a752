"""Errors of tasks that end together: which one to tell."""

from __future__ import annotations

from collections.abc import Iterator

from services.kit.errors import DramatisError

__all__ = ["worst_of"]


def worst_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to tell of a group: a bug before anything foreseen, then whichever came first."""
    errors = list(_leaves_of(group))
    return next((error for error in errors if not isinstance(error, DramatisError)), errors[0])


def _leaves_of(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves_of(error)
        else:
            yield error
