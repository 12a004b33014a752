"""A conversation: one portrait says what one track holds, and listens to what another one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.ingestion.speech import probe_speech
from services.kit.errors import BadInput
from services.kit.media.portrait import read_portrait
from services.kit.messages import MotionIntensity
from services.standalone.directing import DirectionRequest, read_directions
from services.standalone.motion_file import check_motion_file
from services.standalone.output import check_output
from services.standalone.sounds import is_silent, measure_sound
from services.standalone.take import Take, Track, film
from services.standalone.terminal import Outcome, Terminal

__all__ = ["ConverseRequest", "converse_tracks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverseRequest:
    """What `dramatis converse` was asked for; `face` counts from 1, None takes the largest.

    `speak` is the character's own voice, `listen` the other's; at least one of them is there.
    """

    portrait: Path
    speak: Path | None
    listen: Path | None
    output: Path
    size: int
    seed: int
    face: int | None
    engine: str
    direction: DirectionRequest
    intensity: MotionIntensity | None
    motion: Path | None


def converse_tracks(request: ConverseRequest, terminal: Terminal) -> Outcome:
    """Write the video. Raises BadInput, and leaves no file, when an input or an output cannot be used."""
    inputs = (request.portrait, request.speak, request.listen, request.direction.timeline)
    check_output(request.output, inputs)
    check_motion_file(request.motion, inputs)
    tracks = _tracks(request)
    read_portrait(request.portrait)
    claims_s = [probe_speech(track.path, track.option).duration_s for track in tracks]
    _check_heard(tracks)
    take = Take(
        portrait=request.portrait,
        tracks=tracks,
        output=request.output,
        size=request.size,
        seed=request.seed,
        face=request.face,
        engine=request.engine,
        directions=read_directions(request.direction, lambda: _measure(tracks), terminal),
        intensity=request.intensity,
        motion=request.motion,
    )
    return film(take, max((claim_s for claim_s in claims_s if claim_s is not None), default=None), terminal)


def _tracks(request: ConverseRequest) -> Sequence[Track]:
    tracks = []
    if request.speak is not None:
        tracks.append(Track(name="speech", option="speak", path=request.speak))
    if request.listen is not None:
        tracks.append(Track(name="listen", option="listen", path=request.listen))
    if not tracks:
        raise BadInput("there is neither --speak nor --listen, expected one of them or both")
    return tracks


def _check_heard(tracks: Sequence[Track]) -> None:
    """Raise BadInput when there is nothing to hear in any track."""
    if all(is_silent(track.path, track.option) for track in tracks):
        named = " and ".join(f"--{track.option} {track.path}" for track in tracks)
        raise BadInput(f"{named}: nothing is heard, expected a voice")


def _measure(tracks: Sequence[Track]) -> float:
    """A conversation lasts as long as its longer track."""
    return max(measure_sound(track.path, track.option) for track in tracks)
