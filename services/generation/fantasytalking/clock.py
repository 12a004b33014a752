"""Frames of another rate on the platform's clock: at any moment the nearest one is shown."""

from __future__ import annotations

from services.kit.contracts import FRAME_RATE_HZ

__all__ = ["FrameClock", "nearest"]


def nearest(frame: int, rate_hz: int) -> int:
    """The frame at `rate_hz` that is shown nearest to when the platform shows `frame`; both count from 0."""
    return (2 * frame * rate_hz + FRAME_RATE_HZ) // (2 * FRAME_RATE_HZ)


class FrameClock:
    """Says how often each frame of a film at `rate_hz` is shown, at most FRAME_RATE_HZ, in their order."""

    def __init__(self, rate_hz: int) -> None:
        if not 0 < rate_hz <= FRAME_RATE_HZ:
            raise ValueError(f"{rate_hz} frames a second, expected 1 to {FRAME_RATE_HZ}")
        self._rate_hz = rate_hz
        self._seen = self._shown = 0

    def repeats(self, count: int) -> list[int]:
        """How often each of the next `count` frames is shown."""
        return [self._repeats() for _ in range(count)]

    def _repeats(self) -> int:
        first = self._shown
        while nearest(self._shown, self._rate_hz) == self._seen:
            self._shown += 1
        self._seen += 1
        return self._shown - first
