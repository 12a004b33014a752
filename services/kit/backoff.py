"""How long to wait before trying again: longer each time, and never in step with others."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses that double from `first_s` to `longest_s`; `jitter` in [0, 1) shortens them."""

    first_s: float = 0.1
    longest_s: float = 5.0
    jitter: Callable[[], float] = random.random

    def pause_s(self, attempt: int) -> float:
        """The pause after failed attempt number `attempt` (from 1): between half and all of its step."""
        step_s = min(self.first_s * 2.0 ** min(attempt - 1, 32), self.longest_s)
        return step_s * (1.0 - 0.5 * self.jitter())
