"""The voice of espeak-ng: a small synthesiser of a hundred languages, as a program of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from services.ingestion.adapters.program import run_program
from services.ingestion.domain import InputFault
from services.kit.errors import Unavailable

__all__ = ["EspeakVoice"]

# A name, perhaps with a variant ("en-us+f3"); never a path, which the program would open.
_VOICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}(?:\+[A-Za-z0-9_-]{1,16})?")


class EspeakVoice:
    """A `SpeechSynthesizer`. A voice is what `espeak-ng -v` takes, without paths."""

    def __init__(
        self,
        *,
        language: str = "en-us",
        voice: str = "",
        timeout_s: float = 60.0,
        program: str = "espeak-ng",
    ) -> None:
        self._language = language
        self._voice = voice
        self._timeout_s = timeout_s
        self._program = program
        self._languages: frozenset[str] | None = None

    async def speak(self, text: str, voice: str, language: str, path: Path) -> str:
        if voice and not _VOICE.fullmatch(voice):
            raise InputFault("voice_unknown", f"speech voice {voice[:40]!r} is not known")
        name = voice or ("" if language else self._voice) or await self._find(language)
        arguments = [self._program, "-b", "1", "-v", name, "--stdin", "-w", str(path)]
        result = await run_program(arguments, text, "espeak-ng", self._timeout_s)
        if "voice does not exist" in result.complaint:
            raise InputFault("voice_unknown", f"speech voice {name!r} is not known")
        if result.exit_code != 0:
            raise Unavailable(f"{self._program} ended with {result.exit_code}: {result.complaint}")
        return "audio/wav"

    async def _find(self, language: str) -> str:
        """The program's name of a language; a region that it lacks is left out."""
        wanted = (language or self._language).lower().replace("_", "-")
        known = await self._list()
        name = wanted
        while name and name not in known:
            name = name.rpartition("-")[0]
        if not name:
            raise InputFault("language_unknown", f"speech language {wanted[:40]!r} is not known")
        return name

    async def _list(self) -> frozenset[str]:
        if self._languages is None:
            result = await run_program([self._program, "--voices"], "", "espeak-ng", self._timeout_s)
            rows = [line.split() for line in result.output.splitlines()[1:]]
            own = {row[1].lower() for row in rows if len(row) > 1}
            others = {found.lower() for found in re.findall(r"\((\S+) \d+\)", result.output)}
            self._languages = frozenset(own | others)
        return self._languages
