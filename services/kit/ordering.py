"""Restoring the order of one session's messages: once each, in sequence, with bounded patience."""

from __future__ import annotations

from typing import Generic, TypeVar

from services.kit.errors import SessionLost, Stale

__all__ = ["InOrder"]

T = TypeVar("T")


class InOrder(Generic[T]):
    """The gate of one session: items leave it in sequence without gaps, beginning with `first`."""

    def __init__(self, *, first: int = 0, bound: int = 256) -> None:
        self._expected = first
        self._bound = bound
        self._held: dict[int, T] = {}

    @property
    def expected(self) -> int:
        """The sequence that is let through next."""
        return self._expected

    @property
    def has_gap(self) -> bool:
        """Whether items are held because an earlier one is missing."""
        return bool(self._held)

    @property
    def held(self) -> list[T]:
        """The items that wait for an earlier one."""
        return list(self._held.values())

    def push(self, sequence: int, item: T) -> list[T]:
        """The items whose turn it now is; none when an earlier one is missing.

        Raises Stale for a sequence that was here before, SessionLost when more than `bound` are held.
        """
        if sequence < self._expected or sequence in self._held:
            raise Stale(f"sequence {sequence} was here before, expected {self._expected}")
        self._held[sequence] = item
        through = []
        while self._expected in self._held:
            through.append(self._held.pop(self._expected))
            self._expected += 1
        if len(self._held) > self._bound:
            raise SessionLost(f"sequence {self._expected} is missing, and {len(self._held)} wait for it")
        return through
