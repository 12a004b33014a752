"""The main job of the command: one portrait and one speech become a video."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.ingestion.speech import probe_speech
from services.kit.engines import SPOKEN_ENGINES
from services.kit.media.portrait import read_portrait
from services.kit.messages import Direction, MotionIntensity
from services.standalone.directing import DirectionRequest, read_directions, read_prompt
from services.standalone.engines import check_engine
from services.standalone.motion_file import check_motion_file
from services.standalone.output import check_output
from services.standalone.sounds import measure_sound
from services.standalone.take import Take, Track, film
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
    direction: DirectionRequest
    intensity: MotionIntensity | None
    motion: Path | None


def perform_speech(request: PerformRequest, terminal: Terminal) -> Outcome:
    """Write the video. Raises BadInput, and leaves no file, when an input or an output cannot be used."""
    inputs = (request.portrait, request.speech, request.direction.timeline)
    check_engine(request.engine, request.motion)
    check_output(request.output, inputs)
    check_motion_file(request.motion, inputs)
    read_portrait(request.portrait)
    speech = probe_speech(request.speech)
    take = Take(
        portrait=request.portrait,
        tracks=(Track(name="speech", option="speech", path=request.speech),),
        output=request.output,
        size=request.size,
        seed=request.seed,
        face=request.face,
        engine=request.engine,
        directions=_read_directions(request, terminal),
        intensity=request.intensity,
        motion=request.motion,
    )
    return film(take, speech.duration_s, terminal)


def _read_directions(request: PerformRequest, terminal: Terminal) -> tuple[Direction, ...]:
    if request.engine in SPOKEN_ENGINES:
        return read_prompt(request.direction, request.engine)
    return read_directions(request.direction, partial(measure_sound, request.speech, "speech"), terminal)
