"""The main job of the command: one portrait and one speech become a video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.ingestion.speech import probe_speech
from services.kit.media.portrait import read_portrait
from services.standalone.output import check_output
from services.standalone.take import Take, film
from services.standalone.terminal import Outcome, Terminal

__all__ = ["PerformRequest", "perform_speech"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformRequest:
    """What `dramatis perform` was asked for; `face` counts from 1, None takes the largest."""

    portrait: Path
    speech: Path
    output: Path
    size: int
    seed: int
    face: int | None
    engine: str


def perform_speech(request: PerformRequest, terminal: Terminal) -> Outcome:
    """Write the video. Raises BadInput, and leaves no file, when an input or the output cannot be used."""
    check_output(request.output, (request.portrait, request.speech))
    read_portrait(request.portrait)
    speech = probe_speech(request.speech)
    take = Take(
        portrait=request.portrait,
        input_name="speech",
        input=request.speech,
        output=request.output,
        size=request.size,
        seed=request.seed,
        face=request.face,
        engine=request.engine,
    )
    return film(take, speech.duration_s, terminal)
