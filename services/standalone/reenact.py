"""Reenactment: one portrait moves as the face of a driving video does, with the driver's own sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.ingestion.driver import probe_driver, read_driver
from services.ingestion.portrait import read_portrait
from services.ingestion.soundtrack import open_driver_sound
from services.kit.contracts import Motion
from services.standalone.casting import cast_portrait
from services.standalone.pipeline import Ahead
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
    decoder = cast_portrait(portrait, request.size, request.face, terminal)
    with (
        Ahead(_follow(request.driver), _DEPTH) as motions,
        Ahead(map(decoder.decode, motions), _DEPTH) as chunks,
    ):
        shown = terminal.follow(chunks, driver.duration_s)
        return Outcome(num_frames=stitch(shown, sound, request.output))


def _follow(driver: Path) -> Iterator[Motion]:
    from services.encoding.driver import encode_driver

    yield from encode_driver(lambda: read_driver(driver))
