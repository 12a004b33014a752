"""Reading and writing the fields that several messages share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from math import isfinite
from typing import Final, Literal, Protocol, TypeVar

import numpy as np
from dramatis.session.v1 import envelope_pb2
from google.protobuf.message import DecodeError, Message

from services.kit import messages as m
from services.kit.blob_keys import check_key
from services.kit.contracts import FloatArray
from services.kit.errors import BadMessage

P = TypeVar("P", bound=Message)
EnumT = TypeVar("EnumT", bound=Enum)

FLOAT: Final = np.dtype("<f4")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_ID: Final = 64
_MAX_SIZE: Final = 4096


class _WithOpening(Protocol):
    @property
    def opening(self) -> envelope_pb2.Opening: ...

    def HasField(self, name: Literal["opening"], /) -> bool: ...  # noqa: N802  protobuf's name


def parse(kind: type[P], data: bytes) -> P:
    """The protobuf in `data`. Raises BadMessage when there is none."""
    proto = kind()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise BadMessage(f"{len(data)} bytes are not a {kind.DESCRIPTOR.full_name}") from error
    return proto


def require(is_met: bool, found: str) -> None:
    """Raise BadMessage with the text `found` unless `is_met`."""
    if not is_met:
        raise BadMessage(found)


def check_id(name: str, value: str) -> str:
    """The value, if it is an id: 1 to 64 letters, digits, hyphens and underscores."""
    require(0 < len(value) <= _MAX_ID, f"{name} has {len(value)} characters, expected 1 to {_MAX_ID}")
    is_id = value.isascii() and all(char.isalnum() or char in "_-" for char in value)
    require(is_id, f"{name} is not an id")
    return value


def check_uri(tenant: str, name: str, value: str) -> str:
    """The key of a blob of this tenant, or nothing."""
    if not value:
        return value
    require(value.startswith(f"{tenant}/"), f"{name} is not a blob of its tenant")
    try:
        return check_key(value)
    except ValueError as error:
        raise BadMessage(f"{name}: {error}") from error


def check_set(name: str, value: str) -> str:
    """The value, if there is one."""
    require(bool(value), f"{name} is empty")
    return value


def check_number(name: str, value: float, least: float, most: float = float("inf")) -> float:
    """The value, if it is finite and within bounds."""
    require(isfinite(value) and least <= value <= most, f"{name} is {value}, expected {least} to {most}")
    return value


def to_us(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_us(name: str, moment_us: int) -> datetime:
    """Undo `to_us`. Raises BadMessage when it is not a time."""
    try:
        return _EPOCH + timedelta(microseconds=moment_us)
    except OverflowError as error:
        raise BadMessage(f"{name} is {moment_us}, not a time") from error


def read_floats(name: str, data: bytes, columns: int) -> FloatArray:
    """Finite float32 values [n], n a multiple of `columns`."""
    row_bytes = columns * FLOAT.itemsize
    require(columns > 0 and len(data) % row_bytes == 0, f"{name} has {len(data)} bytes, no rows of {columns}")
    values = np.frombuffer(data, FLOAT).astype(np.float32)
    require(bool(np.isfinite(values).all()), f"{name} holds values that are not finite")
    return values


def read_enum(kind: type[EnumT], value: int) -> EnumT:
    """The member of `kind` with this value. Raises BadMessage when there is none."""
    try:
        return kind(value)
    except ValueError as error:
        raise BadMessage(f"{kind.__name__} is {value}, which it does not know") from error


def write_envelope(value: m.Envelope) -> envelope_pb2.Envelope:
    """The protobuf of an envelope."""
    return envelope_pb2.Envelope(
        tenant=value.tenant,
        session_id=value.session_id,
        epoch=value.epoch,
        sequence=value.sequence,
        created_at_us=to_us(value.created_at),
    )


def read_envelope(proto: envelope_pb2.Envelope) -> m.Envelope:
    """The envelope, with ids that are ids."""
    return m.Envelope(
        tenant=check_id("tenant", proto.tenant),
        session_id=check_id("session_id", proto.session_id),
        epoch=proto.epoch,
        sequence=proto.sequence,
        created_at=from_us("created_at_us", proto.created_at_us),
    )


def write_opening(value: m.Opening | None) -> envelope_pb2.Opening | None:
    """The protobuf of an opening."""
    if value is None:
        return None
    return envelope_pb2.Opening(
        character_id=value.character_id,
        portrait_uri=value.portrait_uri,
        face=value.face,
        size=value.size,
        engine=value.engine,
        seed=value.seed,
        identity_uri=value.identity_uri,
        soundtrack_uri=value.soundtrack_uri,
        motion_intensity=_write_intensity(value.motion_intensity),
    )


def read_opening(owner: _WithOpening, envelope: m.Envelope) -> m.Opening | None:
    """The opening of a message, which the first of a session must have."""
    if not owner.HasField("opening"):
        require(envelope.sequence > 0, "the first message has no opening, expected one")
        return None
    proto = owner.opening
    is_size = 0 < proto.size <= _MAX_SIZE and proto.size % 2 == 0
    require(is_size, f"size is {proto.size}, expected an even number up to {_MAX_SIZE}")
    return m.Opening(
        character_id=check_id("character_id", proto.character_id),
        portrait_uri=check_uri(
            envelope.tenant, "portrait_uri", check_set("portrait_uri", proto.portrait_uri)
        ),
        face=proto.face,
        size=proto.size,
        engine=proto.engine,
        seed=proto.seed,
        identity_uri=check_uri(envelope.tenant, "identity_uri", proto.identity_uri),
        soundtrack_uri=check_uri(envelope.tenant, "soundtrack_uri", proto.soundtrack_uri),
        motion_intensity=_read_intensity(proto),
    )


def _write_intensity(value: m.MotionIntensity | None) -> envelope_pb2.MotionIntensity | None:
    return None if value is None else envelope_pb2.MotionIntensity(face=value.face, body=value.body)


def _read_intensity(proto: envelope_pb2.Opening) -> m.MotionIntensity | None:
    if not proto.HasField("motion_intensity"):
        return None
    return m.MotionIntensity(
        face=check_number("motion_intensity.face", proto.motion_intensity.face, 0.0, 1.0),
        body=check_number("motion_intensity.body", proto.motion_intensity.body, 0.0, 1.0),
    )


def write_directions(values: Iterable[m.Direction]) -> list[envelope_pb2.Direction]:
    """The protobuf of directions."""
    return [envelope_pb2.Direction(start_s=v.start_s, end_s=v.end_s, text=v.text) for v in values]


def read_directions(protos: Iterable[envelope_pb2.Direction]) -> tuple[m.Direction, ...]:
    """The directions in their order."""
    return tuple(_read_direction(proto) for proto in protos)


def _read_direction(proto: envelope_pb2.Direction) -> m.Direction:
    start_s = check_number("start_s", proto.start_s, 0.0)
    end_s = check_number("end_s", proto.end_s, 0.0)
    require(end_s == 0 or end_s > start_s, f"a direction ends at {end_s} s, expected after {start_s} s")
    return m.Direction(start_s=start_s, end_s=end_s, text=proto.text)
