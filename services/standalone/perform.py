"""The main job: one portrait and one speech become a video, in four overlapping steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.ingestion.portrait import read_portrait
from services.ingestion.soundtrack import open_sound
from services.ingestion.speech import probe_speech, read_speech
from services.kit.contracts import Motion
from services.standalone.casting import cast_portrait
from services.standalone.pipeline import Ahead
from services.standalone.terminal import Outcome, Terminal
from services.stitching.mp4 import check_output, stitch

__all__ = ["PerformRequest", "perform_speech"]

# Chunks that wait between two steps. Motion is small, so the model may run on while the portrait is
# prepared; pictures are large, so they only even out the pace.
_MOTION_DEPTH: Final = 64
_PICTURE_DEPTH: Final = 4


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
    portrait = read_portrait(request.portrait)
    speech = probe_speech(request.speech)
    with Ahead(_speak(request), _MOTION_DEPTH) as motions:
        decoder = cast_portrait(portrait, request.size, request.face, terminal)
        with Ahead(map(decoder.decode, motions), _PICTURE_DEPTH) as chunks:
            shown = terminal.follow(chunks, speech.duration_s)
            return Outcome(num_frames=stitch(shown, open_sound(request.speech), request.output))


def _speak(request: PerformRequest) -> Iterator[Motion]:
    """Load the model and run it; meant for a thread beside the one that prepares the portrait."""
    from services.encoding.speech import encode_speech
    from services.generation.engine import perform
    from services.generation.loading import load_engine

    engine = load_engine(request.engine)
    cues = encode_speech(read_speech(request.speech), engine.config)
    yield from perform(engine, cues, request.seed)
