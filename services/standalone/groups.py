"""Consumer groups, as whoever composes services sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.kit.consumer import Route

__all__ = ["Group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A consumer group and what it does."""

    name: str
    routes: Sequence[Route[Any]]
