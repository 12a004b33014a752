"""What FantasyTalking is to perform, and who performs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from services.generation.offline import Span
from services.kit.contracts import FloatArray, MotionIntensity, Pixels

__all__ = ["Order", "Performers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A portrait [H, W, 3], the speech [samples] mono at 16 kHz that it says, and texts that steer it.

    Equal orders make equal spans. Without an `intensity`, the network decides by itself how much moves.
    """

    portrait: Pixels
    speech: FloatArray
    prompt: str
    negative: str
    seed: int
    intensity: MotionIntensity | None = None


class Performers(Protocol):
    """Loaded networks, in one process or in several."""

    def perform(self, order: Order, done: int = 0, last: Span | None = None) -> Iterator[Span | None]:
        """Yield the spans that follow the first `done`, of which `last` is the last one, in their order.

        None comes before every step, which is made only when more is asked for. One performance at a time:
        the next one ends it. Raises ValueError when the order wants an intensity that the network lacks;
        Unavailable when performers are lost, who are others in the next performance.
        """
        ...
