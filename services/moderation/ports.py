"""What moderation asks others: where faces are, and how pictures and texts are classified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.kit.contracts import Pixels

__all__ = ["FaceFinder", "PictureClassifier", "TextClassifier"]


class FaceFinder(Protocol):
    """Finds faces."""

    async def find(self, picture: Pixels) -> Sequence[float]:
        """The sides in pixels of the faces of a picture [H, W, 3] RGB, the largest first."""
        ...


class PictureClassifier(Protocol):
    """Scores pictures."""

    async def classify(self, picture: Pixels) -> Mapping[str, float]:
        """The score from 0 to 1 of every label. Raises Unavailable when it cannot be asked."""
        ...


class TextClassifier(Protocol):
    """Scores texts."""

    async def classify(self, text: str) -> Mapping[str, float]:
        """The score from 0 to 1 of every label, the highest of any part of a long text.

        Raises Unavailable when it cannot be asked.
        """
        ...
