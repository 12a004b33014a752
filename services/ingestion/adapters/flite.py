"""The voice of flite: English only, fuller than espeak-ng's, as a program of its own."""

from __future__ import annotations

from pathlib import Path

from services.ingestion.adapters.program import run_program
from services.ingestion.domain import InputFault
from services.kit.errors import Unavailable

__all__ = ["FliteVoice"]


class FliteVoice:
    """A `SpeechSynthesizer`. A voice is one of `flite -lv`."""

    def __init__(self, *, voice: str = "slt", timeout_s: float = 120.0, program: str = "flite") -> None:
        self._voice = voice
        self._timeout_s = timeout_s
        self._program = program
        self._voices: frozenset[str] | None = None

    async def speak(self, text: str, voice: str, language: str, path: Path) -> str:
        if language and language.lower().replace("_", "-").partition("-")[0] != "en":
            raise InputFault(
                "language_unknown", f"speech language {language[:40]!r} is not known, expected English"
            )
        name = voice or self._voice
        # The program would take any other name for a file or a URL to load a voice from.
        if name not in await self._list():
            raise InputFault("voice_unknown", f"speech voice {name[:40]!r} is not known")
        arguments = [self._program, "-voice", name, "-o", str(path), "-f", "/dev/stdin"]
        result = await run_program(arguments, text, "flite", self._timeout_s)
        if result.exit_code != 0:
            raise Unavailable(f"{self._program} ended with {result.exit_code}: {result.complaint}")
        return "audio/wav"

    async def _list(self) -> frozenset[str]:
        if self._voices is None:
            result = await run_program([self._program, "-lv"], "", "flite", self._timeout_s)
            self._voices = frozenset(result.output.partition(":")[2].split())
        return self._voices
