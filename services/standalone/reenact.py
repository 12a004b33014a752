"""Reenactment: one portrait moves as the face of a driving video does, with the driver's own sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.ingestion.soundtrack import open_driver_sound
from services.kit.media.driver import probe_driver
from services.kit.media.portrait import read_portrait
from services.standalone.engines import check_engine
from services.standalone.motion_file import check_motion_file
from services.standalone.output import check_output
from services.standalone.take import Take, Track, film
from services.standalone.terminal import Outcome, Terminal

__all__ = ["ReenactRequest", "reenact_driver"]

_SEED: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReenactRequest:
    """What `dramatis reenact` was asked for; `face` counts from 1, None takes the largest."""

    portrait: Path
    driver: Path
    output: Path
    size: int
    face: int | None
    motion: Path | None
    engine: str


def reenact_driver(request: ReenactRequest, terminal: Terminal) -> Outcome:
    """Write the video. Raises BadInput, and leaves no file, when an input or an output cannot be used."""
    inputs = (request.portrait, request.driver)
    check_engine(request.engine, request.motion)
    check_output(request.output, inputs)
    check_motion_file(request.motion, inputs)
    read_portrait(request.portrait)
    driver = probe_driver(request.driver)
    open_driver_sound(request.driver, driver.start_s)
    take = Take(
        portrait=request.portrait,
        tracks=(Track(name="driver", option="driver", path=request.driver),),
        output=request.output,
        size=request.size,
        seed=_SEED,
        face=request.face,
        engine=request.engine,
        motion=request.motion,
    )
    return film(take, driver.duration_s, terminal)
