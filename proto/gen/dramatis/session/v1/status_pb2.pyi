from dramatis.session.v1 import envelope_pb2 as _envelope_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StatusKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_KIND_UNSPECIFIED: _ClassVar[StatusKind]
    STATUS_KIND_MEASURED: _ClassVar[StatusKind]
    STATUS_KIND_FINISHED: _ClassVar[StatusKind]
    STATUS_KIND_FAILED: _ClassVar[StatusKind]
    STATUS_KIND_PROGRESSED: _ClassVar[StatusKind]
STATUS_KIND_UNSPECIFIED: StatusKind
STATUS_KIND_MEASURED: StatusKind
STATUS_KIND_FINISHED: StatusKind
STATUS_KIND_FAILED: StatusKind
STATUS_KIND_PROGRESSED: StatusKind

class Notice(_message.Message):
    __slots__ = ("code", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("envelope", "stage", "kind", "num_frames", "video_uri", "size_bytes", "sha256", "code", "detail", "notices", "motion_uri", "steps_done", "steps_expected")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_FIELD_NUMBER: _ClassVar[int]
    VIDEO_URI_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    MOTION_URI_FIELD_NUMBER: _ClassVar[int]
    STEPS_DONE_FIELD_NUMBER: _ClassVar[int]
    STEPS_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    envelope: _envelope_pb2.Envelope
    stage: str
    kind: StatusKind
    num_frames: int
    video_uri: str
    size_bytes: int
    sha256: str
    code: str
    detail: str
    notices: _containers.RepeatedCompositeFieldContainer[Notice]
    motion_uri: str
    steps_done: int
    steps_expected: int
    def __init__(self, envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping]] = ..., stage: _Optional[str] = ..., kind: _Optional[_Union[StatusKind, str]] = ..., num_frames: _Optional[int] = ..., video_uri: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ..., notices: _Optional[_Iterable[_Union[Notice, _Mapping]]] = ..., motion_uri: _Optional[str] = ..., steps_done: _Optional[int] = ..., steps_expected: _Optional[int] = ...) -> None: ...
