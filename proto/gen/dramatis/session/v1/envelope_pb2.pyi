from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Envelope(_message.Message):
    __slots__ = ("tenant", "session_id", "epoch", "sequence", "created_at_us")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    session_id: str
    epoch: int
    sequence: int
    created_at_us: int
    def __init__(self, tenant: _Optional[str] = ..., session_id: _Optional[str] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ..., created_at_us: _Optional[int] = ...) -> None: ...

class MotionIntensity(_message.Message):
    __slots__ = ("face", "body")
    FACE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    face: float
    body: float
    def __init__(self, face: _Optional[float] = ..., body: _Optional[float] = ...) -> None: ...

class Opening(_message.Message):
    __slots__ = ("character_id", "portrait_uri", "face", "size", "engine", "seed", "identity_uri", "soundtrack_uri", "motion_intensity")
    CHARACTER_ID_FIELD_NUMBER: _ClassVar[int]
    PORTRAIT_URI_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_URI_FIELD_NUMBER: _ClassVar[int]
    SOUNDTRACK_URI_FIELD_NUMBER: _ClassVar[int]
    MOTION_INTENSITY_FIELD_NUMBER: _ClassVar[int]
    character_id: str
    portrait_uri: str
    face: int
    size: int
    engine: str
    seed: int
    identity_uri: str
    soundtrack_uri: str
    motion_intensity: MotionIntensity
    def __init__(self, character_id: _Optional[str] = ..., portrait_uri: _Optional[str] = ..., face: _Optional[int] = ..., size: _Optional[int] = ..., engine: _Optional[str] = ..., seed: _Optional[int] = ..., identity_uri: _Optional[str] = ..., soundtrack_uri: _Optional[str] = ..., motion_intensity: _Optional[_Union[MotionIntensity, _Mapping]] = ...) -> None: ...

class Direction(_message.Message):
    __slots__ = ("start_s", "end_s", "text")
    START_S_FIELD_NUMBER: _ClassVar[int]
    END_S_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    start_s: float
    end_s: float
    text: str
    def __init__(self, start_s: _Optional[float] = ..., end_s: _Optional[float] = ..., text: _Optional[str] = ...) -> None: ...
