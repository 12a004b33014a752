from dramatis.session.v1 import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubjectKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBJECT_KIND_UNSPECIFIED: _ClassVar[SubjectKind]
    SUBJECT_KIND_CHARACTER: _ClassVar[SubjectKind]
    SUBJECT_KIND_PERFORMANCE: _ClassVar[SubjectKind]
SUBJECT_KIND_UNSPECIFIED: SubjectKind
SUBJECT_KIND_CHARACTER: SubjectKind
SUBJECT_KIND_PERFORMANCE: SubjectKind

class Reason(_message.Message):
    __slots__ = ("code", "detail", "score")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    score: float
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("tenant", "subject", "subject_id", "is_approved", "reasons", "policy", "created_at_us", "portrait_uri", "face", "epoch", "notices")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    IS_APPROVED_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    PORTRAIT_URI_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    subject: SubjectKind
    subject_id: str
    is_approved: bool
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    policy: str
    created_at_us: int
    portrait_uri: str
    face: int
    epoch: int
    notices: _containers.RepeatedCompositeFieldContainer[_status_pb2.Notice]
    def __init__(self, tenant: _Optional[str] = ..., subject: _Optional[_Union[SubjectKind, str]] = ..., subject_id: _Optional[str] = ..., is_approved: _Optional[bool] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., policy: _Optional[str] = ..., created_at_us: _Optional[int] = ..., portrait_uri: _Optional[str] = ..., face: _Optional[int] = ..., epoch: _Optional[int] = ..., notices: _Optional[_Iterable[_Union[_status_pb2.Notice, _Mapping]]] = ...) -> None: ...
