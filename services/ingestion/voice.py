"""The voice port: text becomes a sound file."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

__all__ = ["SpeechSynthesizer"]


class SpeechSynthesizer(Protocol):
    """A voice, or a server with many."""

    async def speak(self, text: str, voice: str, language: str, path: Path) -> str:
        """Write the spoken text to a sound file and return its media type.

        An empty `voice` or `language` (BCP 47) takes the default. Raises InputFault when the text, the
        voice or the language cannot be spoken, Unavailable when there is nobody to speak.
        """
        ...
