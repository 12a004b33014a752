"""Orders to sessions, and what is said about them."""

from __future__ import annotations

from collections.abc import Iterable

from dramatis.session.v1 import control_pb2, status_pb2

from services.kit import messages as m
from services.kit.wire.fields import check_uri, parse, read_enum, read_envelope, require, write_envelope


def write_control(value: m.Control) -> control_pb2.Control:
    """The protobuf of a control."""
    kind = f"CONTROL_KIND_{value.kind.name}"
    return control_pb2.Control(envelope=write_envelope(value.envelope), kind=kind)


def read_control(data: bytes) -> m.Control:
    """The control in `data`. Raises BadMessage when there is none."""
    proto = parse(control_pb2.Control, data)
    return m.Control(envelope=read_envelope(proto.envelope), kind=read_enum(m.ControlKind, proto.kind))


def write_status(value: m.Status) -> status_pb2.Status:
    """The protobuf of a status."""
    return status_pb2.Status(
        envelope=write_envelope(value.envelope),
        stage=value.stage,
        kind=f"STATUS_KIND_{value.kind.name}",
        num_frames=value.num_frames,
        video_uri=value.video_uri,
        size_bytes=value.size_bytes,
        sha256=value.sha256,
        code=value.code,
        detail=value.detail,
        notices=write_notices(value.notices),
        motion_uri=value.motion_uri,
        steps_done=value.steps_done,
        steps_expected=value.steps_expected,
    )


def read_status(data: bytes) -> m.Status:
    """The status in `data`. Raises BadMessage when there is none."""
    proto = parse(status_pb2.Status, data)
    envelope = read_envelope(proto.envelope)
    kind = read_enum(m.StatusKind, proto.kind)
    require(kind is not m.StatusKind.FINISHED or bool(proto.video_uri), "a finished session needs its video")
    require(kind is not m.StatusKind.FAILED or bool(proto.code), "a failed session needs a code")
    return m.Status(
        envelope=envelope,
        stage=proto.stage,
        kind=kind,
        num_frames=proto.num_frames,
        video_uri=check_uri(envelope.tenant, "video_uri", proto.video_uri),
        size_bytes=proto.size_bytes,
        sha256=proto.sha256,
        code=proto.code,
        detail=proto.detail,
        notices=read_notices(proto.notices),
        motion_uri=check_uri(envelope.tenant, "motion_uri", proto.motion_uri),
        steps_done=proto.steps_done,
        steps_expected=proto.steps_expected,
    )


def write_notices(values: Iterable[m.Notice]) -> list[status_pb2.Notice]:
    """The protobufs of notices."""
    return [status_pb2.Notice(code=each.code, detail=each.detail) for each in values]


def read_notices(protos: Iterable[status_pb2.Notice]) -> tuple[m.Notice, ...]:
    """The notices. Raises BadMessage for one without a code."""
    notices = tuple(m.Notice(code=each.code, detail=each.detail) for each in protos)
    require(all(notice.code for notice in notices), "a notice needs a code")
    return notices
