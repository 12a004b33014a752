"""A rig as bytes: what a prepared portrait is kept and sent as."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from models.rig.arrays import U8
from models.rig.rig import Rig

__all__ = ["dump_rig", "load_rig"]

T = TypeVar("T")
Array = NDArray[Any]

_MAGIC: Final = b"dramatis-rig"
_VERSION: Final = 1
# After the magic: the version, and the checksum of everything that follows.
_HEADER: Final = struct.Struct(">HI")
_PICTURE_CHANNELS: Final = (3, 4)
_PNG_EFFORT: Final = 3
# Arrays keep their order in memory: matrix products round differently in another one.
_BY_COLUMN: Final = "F:"
_PNG: Final = "PNG:"


def dump_rig(rig: Rig) -> bytes:
    """The bytes of a rig; a rig read back from them draws the very same pictures."""
    arrays: dict[str, Array] = {}
    plain: dict[str, Any] = {}
    _take_apart(rig, "rig", arrays, plain)
    packed = dict(_pack(name, array) for name, array in arrays.items())
    payload = save(packed, {"plain": json.dumps(plain)})
    return _MAGIC + _HEADER.pack(_VERSION, crc32(payload)) + payload


def load_rig(data: bytes) -> Rig:
    """Read what `dump_rig` wrote. Raises ValueError for anything else, damaged or of another version."""
    payload = _checked(data)
    try:
        arrays = dict(_unpack(name, array) for name, array in load(payload).items())
        return _put_together(Rig, "rig", arrays, _plain_of(payload))
    except (KeyError, TypeError, SafetensorError) as error:
        raise ValueError(f"not a whole rig: {error}") from error


def _checked(data: bytes) -> bytes:
    start = len(_MAGIC) + _HEADER.size
    if len(data) < start or not data.startswith(_MAGIC):
        raise ValueError(f"not a rig: {len(data)} bytes that begin with {data[:12]!r}")
    version, checksum = _HEADER.unpack_from(data, len(_MAGIC))
    if version != _VERSION:
        raise ValueError(f"a rig of version {version}, expected {_VERSION}")
    payload = data[start:]
    if crc32(payload) != checksum:
        raise ValueError(f"a damaged rig: its {len(payload)} bytes do not add up")
    return payload


def _take_apart(value: object, name: str, arrays: dict[str, Array], plain: dict[str, Any]) -> None:
    if is_dataclass(value):
        for field in fields(value):
            _take_apart(getattr(value, field.name), f"{name}.{field.name}", arrays, plain)
    elif isinstance(value, np.ndarray):
        arrays[name] = value
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        for index, part in enumerate(value):
            _take_apart(part, f"{name}.{index}", arrays, plain)
    else:
        plain[name] = value


def _put_together(kind: type[T], name: str, arrays: Mapping[str, Array], plain: Mapping[str, Any]) -> T:
    hints = get_type_hints(kind)
    return kind(**{part: _read(hint, f"{name}.{part}", arrays, plain) for part, hint in hints.items()})


def _read(hint: Any, name: str, arrays: Mapping[str, Array], plain: Mapping[str, Any]) -> object:  # noqa: ANN401  a type
    if is_dataclass(hint) and isinstance(hint, type):
        return _put_together(hint, name, arrays, plain)
    if get_origin(hint) is np.ndarray:
        return arrays[name]
    if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
        parts = enumerate(get_args(hint))
        return tuple(_read(part, f"{name}.{index}", arrays, plain) for index, part in parts)
    value = plain[name]
    return tuple(value) if get_origin(hint) is tuple else value


def _pack(name: str, array: Array) -> tuple[str, Array]:
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] in _PICTURE_CHANNELS:
        return _PNG + name, _to_png(array)
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        return _BY_COLUMN + name, np.ascontiguousarray(array.T)
    return name, np.ascontiguousarray(array)


def _unpack(name: str, array: Array) -> tuple[str, Array]:
    if name.startswith(_PNG):
        return name.removeprefix(_PNG), _from_png(array)
    if name.startswith(_BY_COLUMN):
        return name.removeprefix(_BY_COLUMN), array.T
    return name, array


def _to_png(picture: U8) -> U8:
    done, png = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_EFFORT])
    assert done, "OpenCV has no PNG encoder"
    return np.asarray(png, np.uint8)


def _from_png(png: Array) -> U8:
    picture = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ValueError("a damaged rig: one of its pictures cannot be decoded")
    return np.asarray(picture, np.uint8)


def _plain_of(payload: bytes) -> dict[str, Any]:
    (length,) = struct.unpack_from("<Q", payload)
    header = json.loads(payload[8 : 8 + length])
    plain = json.loads(header["__metadata__"]["plain"])
    if not isinstance(plain, dict):
        raise TypeError("its plain values are not an object")
    return plain
