"""The blocking work of encoding. The libraries load in the thread that first needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final, Protocol

import structlog

from services.encoding.faults import Fault
from services.kit import contracts
from services.kit.contracts import Motion
from services.kit.errors import BadInput, Unavailable

__all__ = ["Bundle", "OpenDriver", "OpenStreams", "Streams", "Workshop", "warm_up"]

_LOGGER: Final = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An identity as bytes, and how many faces its portrait shows."""

    data: bytes
    num_faces: int


class Streams(Protocol):
    """Turns the segments of one session to cues."""

    def push(self, segment: contracts.Segment) -> list[contracts.Cue]:
        """The cues that are complete with this segment; with the final one, all that remain."""
        ...


OpenStreams = Callable[[str], Streams]
OpenDriver = Callable[[Path, Event], Iterator[Motion]]


def build_bundle(portrait: bytes, size: int, face: int) -> Bundle:
    """The identity bundle of a portrait. Raises Fault when the portrait cannot be used."""
    from models.rig.bundle import dump_rig
    from services.encoding.identity import encode_portrait
    from services.kit.media.portrait import decode_portrait

    try:
        pixels = decode_portrait(portrait)
    except BadInput as error:
        raise Fault("portrait_unreadable", str(error)) from error
    try:
        identity = encode_portrait(pixels, size, face or None)
    except _oddities() as error:
        _LOGGER.warning("portrait.odd", exc_info=True)
        raise Fault("portrait_unusable", "portrait shows a face of which no character can be made") from error
    return Bundle(data=dump_rig(identity.rig), num_faces=identity.num_faces)


def open_streams(engine: str) -> Streams:
    """An encoder of what is said by the character and to it, on the terms of an engine.

    Raises Fault for an engine that there is none of, Unavailable when its weights are missing.
    """
    from services.encoding.loading import ENGINES, load_config
    from services.encoding.streams import StreamsEncoder

    if engine not in ENGINES:
        raise Fault("engine_unknown", f"engine {engine[:40]!r} is not known, expected {' or '.join(ENGINES)}")
    return StreamsEncoder(load_config(engine))


def open_driver(path: Path, is_stopped: Event) -> Iterator[Motion]:
    """The motion of a driving video; it ends early when `is_stopped` is set. Raises Fault as it is read."""
    from services.encoding.driver import encode_driver
    from services.kit.media.driver import read_driver

    def pictures() -> Iterator[contracts.Picture]:
        for picture in read_driver(path):
            if is_stopped.is_set():
                return
            yield picture

    try:
        yield from encode_driver(pictures)
    except Fault:
        raise
    except _oddities() as error:
        _LOGGER.warning("driver.odd", exc_info=True)
        raise Fault("driver_unusable", "driver shows a face that cannot be followed") from error
    except BadInput as error:
        # The name of our copy says nothing to the user.
        raise Fault("driver_unreadable", str(error).replace(f" {path}", "")) from error


def _oddities() -> tuple[type[Exception], ...]:
    """What the numbers of a face that is hardly one can lead to.

    It is the user's picture then, as far as we know, and never a reason to keep everybody else waiting.
    """
    import cv2

    return ValueError, ArithmeticError, cv2.error


def warm_up() -> None:
    """Load what the work needs, so that the first message does not wait for it.

    Raises Unavailable when something is missing on this machine.
    """
    from services.encoding.readiness import check_face_models

    is_fine, found = check_face_models()
    if not is_fine:
        raise Unavailable(found)
    open_streams("lpm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Who does the work."""

    build_bundle: Callable[[bytes, int, int], Bundle] = build_bundle
    open_streams: OpenStreams = open_streams
    open_driver: OpenDriver = open_driver
