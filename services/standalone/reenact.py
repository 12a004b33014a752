"""Reenactment: one portrait moves as the face of a driving video does, with the driver's own sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.encoding.driver import encode_driver
from services.encoding.identity import Identity, encode_portrait
from services.generation.rig import RigDecoder
from services.ingestion.driver import probe_driver, read_driver
from services.ingestion.portrait import read_portrait
from services.ingestion.soundtrack import open_driver_sound
from services.kit.contracts import Chunk
from services.standalone.perform import note_faces
from services.standalone.pipeline import ahead
from services.standalone.terminal import Outcome, Terminal
from services.stitching.mp4 import check_output, stitch

__all__ = ["ReenactRequest", "reenact_driver"]

_DEPTH: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReenactRequest:
    """What `dramatis reenact` was asked for; `face` counts from 1, None takes the largest."""

    portrait: Path
    driver: Path
    output: Path
    size: int
    face: int | None


def reenact_driver(request: ReenactRequest, terminal: Terminal) -> Outcome:
    """Write the video. Raises BadInput, and leaves no file, when an input or the output cannot be used."""
    check_output(request.output, (request.portrait, request.driver))
    portrait = read_portrait(request.portrait)
    driver = probe_driver(request.driver)
    sound = open_driver_sound(request.driver, driver.start_s)
    identity = encode_portrait(portrait, request.size, request.face)
    note_faces(identity, request.face, terminal)
    chunks = terminal.follow(_generate(request, identity), driver.duration_s)
    return Outcome(num_frames=stitch(chunks, sound, request.output))


def _generate(request: ReenactRequest, identity: Identity) -> Iterator[Chunk]:
    motions = ahead(encode_driver(lambda: read_driver(request.driver)), _DEPTH)
    return ahead(map(RigDecoder(identity.rig).decode, motions), _DEPTH)
