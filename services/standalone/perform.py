"""The main job: one portrait and one speech become a video, in four overlapping steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.encoding.identity import Identity, encode_portrait
from services.encoding.speech import encode_speech
from services.generation.engine import perform
from services.generation.loading import load_engine, use_threads
from services.generation.rig import RigDecoder
from services.ingestion.audio import probe_audio
from services.ingestion.portrait import read_portrait
from services.ingestion.soundtrack import open_sound
from services.ingestion.speech import read_speech
from services.kit.contracts import Chunk
from services.standalone.pipeline import ahead
from services.standalone.terminal import Outcome, Terminal
from services.stitching.mp4 import check_output, stitch

__all__ = ["PerformRequest", "perform_speech"]

# Chunks between two steps: enough to even out their pace, little enough to keep memory small.
_DEPTH: Final = 4


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
    speech = probe_audio(request.speech, "speech")
    identity = encode_portrait(portrait, request.size, request.face)
    note_faces(identity, request.face, terminal)
    chunks = terminal.follow(_generate(request, identity), speech.duration_s)
    return Outcome(num_frames=stitch(chunks, open_sound(request.speech), request.output))


def note_faces(identity: Identity, face: int | None, terminal: Terminal) -> None:
    """Say so when the choice of a face was ours."""
    if identity.num_faces > 1 and face is None:
        terminal.note(
            f"the portrait shows {identity.num_faces} faces, the largest is used "
            f"(--face 1 to {identity.num_faces} picks one, largest first)"
        )


def _generate(request: PerformRequest, identity: Identity) -> Iterator[Chunk]:
    use_threads(1)
    engine = load_engine(request.engine)
    cues = encode_speech(read_speech(request.speech), engine.config)
    motions = ahead(perform(engine, cues, request.seed), _DEPTH)
    decoder = RigDecoder(identity.rig)
    return ahead(map(decoder.decode, motions), _DEPTH)
