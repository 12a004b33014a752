"""A framed portrait as bytes: the identity that a session of PersonaLive begins with."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["FramedPortrait", "dump_portrait", "load_portrait"]

Pixels = NDArray[np.uint8]

_MAGIC: Final = b"dramatis-portrait"
_VERSION: Final = 1
# After the magic: the version, the side of the video's pictures, and the checksum of everything that follows.
_HEADER: Final = struct.Struct(">HII")
_PNG_EFFORT: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FramedPortrait:
    """The square of a portrait that is shown, RGB [S, S, 3], and the `size` of the video in pixels a side."""

    pixels: Pixels
    size: int


def dump_portrait(portrait: FramedPortrait) -> bytes:
    """The bytes of a framed portrait; not a pixel changes in them."""
    done, png = cv2.imencode(".png", portrait.pixels, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_EFFORT])
    assert done, "OpenCV has no PNG encoder"
    payload = png.tobytes()
    return _MAGIC + _HEADER.pack(_VERSION, portrait.size, crc32(payload)) + payload


def load_portrait(data: bytes) -> FramedPortrait:
    """Read what `dump_portrait` wrote.

    Raises ValueError for anything else, such as what another system makes of a portrait.
    """
    start = len(_MAGIC) + _HEADER.size
    if len(data) < start or not data.startswith(_MAGIC):
        raise ValueError(f"not a framed portrait: {len(data)} bytes that begin with {data[:17]!r}")
    version, size, checksum = _HEADER.unpack_from(data, len(_MAGIC))
    if version != _VERSION:
        raise ValueError(f"a framed portrait of version {version}, expected {_VERSION}")
    payload = data[start:]
    if crc32(payload) != checksum:
        raise ValueError(f"a damaged portrait: its {len(payload)} bytes do not add up")
    picture = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ValueError("a damaged portrait: it cannot be decoded")
    return FramedPortrait(pixels=np.asarray(picture, np.uint8), size=size)
