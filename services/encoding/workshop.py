"""The blocking work of encoding. The libraries load in the thread that first needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final, Protocol, TypeAlias

import structlog

from services.encoding.faults import Fault, check_engine
from services.kit import contracts
from services.kit.contracts import Footage, Motion, Pixels
from services.kit.engines import CLOCKS, DRIVEN_ENGINES, SPOKEN_ENGINES
from services.kit.errors import BadInput, Unavailable

__all__ = ["Bundle", "Led", "OpenDriver", "OpenStreams", "Streams", "Workshop", "warm_up"]

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


# What a driver tells an engine in one chunk: what it does, or what it looks like.
Led: TypeAlias = Motion | Footage
OpenStreams = Callable[[str], Streams]
OpenDriver = Callable[[str, Path, Event], Iterator[Led]]


def build_bundle(engine: str, portrait: bytes, size: int, face: int) -> Bundle:
    """The identity bundle of a portrait for an engine. Raises Fault when the portrait cannot be used."""
    from services.kit.media.portrait import decode_portrait

    try:
        pixels = decode_portrait(portrait)
    except BadInput as error:
        raise Fault("portrait_unreadable", str(error)) from error
    try:
        return _bundle_of(engine, pixels, size, face or None)
    except _oddities() as error:
        _LOGGER.warning("portrait.odd", exc_info=True)
        raise Fault("portrait_unusable", "portrait shows a face of which no character can be made") from error


def _bundle_of(engine: str, pixels: Pixels, size: int, face: int | None) -> Bundle:
    if engine in DRIVEN_ENGINES | SPOKEN_ENGINES:
        from models.personalive.bundle import dump_portrait
        from services.encoding.footage import SIDE
        from services.encoding.identity import encode_framed

        framed = encode_framed(pixels, SIDE, size, face)
        return Bundle(data=dump_portrait(framed.portrait), num_faces=framed.num_faces)
    from models.rig.bundle import dump_rig
    from services.encoding.identity import encode_portrait

    identity = encode_portrait(pixels, size, face)
    return Bundle(data=dump_rig(identity.rig), num_faces=identity.num_faces)


def open_streams(engine: str) -> Streams:
    """An encoder of what is said by the character and to it, on the terms of an engine.

    Raises Fault for an engine that there is none of, or that hears nothing; Unavailable when its weights are
    missing.
    """
    from services.encoding.loading import load_config
    from services.encoding.streams import StreamsEncoder

    check_engine(engine)
    if engine in DRIVEN_ENGINES:
        raise Fault("engine_needs_driver", f"engine {engine} hears nothing, expected a driver")
    if engine in SPOKEN_ENGINES:
        from services.encoding.waveforms import WaveformsEncoder

        return WaveformsEncoder()
    return StreamsEncoder(load_config(engine))


def open_driver(engine: str, path: Path, is_stopped: Event) -> Iterator[Led]:
    """What a driving video tells an engine, until `is_stopped` is set. Raises Fault as it is read."""
    from services.kit.media.driver import read_driver

    if engine in SPOKEN_ENGINES:
        raise Fault("engine_needs_speech", f"engine {engine} follows no driver, expected a speech")

    def pictures() -> Iterator[contracts.Picture]:
        for picture in read_driver(path):
            if is_stopped.is_set():
                return
            yield picture

    try:
        yield from _leads(engine, pictures)
    except Fault:
        raise
    except _oddities() as error:
        _LOGGER.warning("driver.odd", exc_info=True)
        raise Fault("driver_unusable", "driver shows a face that cannot be followed") from error
    except BadInput as error:
        # The name of our copy says nothing to the user.
        raise Fault("driver_unreadable", str(error).replace(f" {path}", "")) from error


def _leads(engine: str, read: Callable[[], Iterator[contracts.Picture]]) -> Iterator[Led]:
    if engine in DRIVEN_ENGINES:
        from services.encoding.footage import encode_footage

        return encode_footage(read(), CLOCKS[engine])
    from services.encoding.driver import encode_driver

    return encode_driver(read)


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

    build_bundle: Callable[[str, bytes, int, int], Bundle] = build_bundle
    open_streams: OpenStreams = open_streams
    open_driver: OpenDriver = open_driver
