from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConsentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSENT_KIND_UNSPECIFIED: _ClassVar[ConsentKind]
    CONSENT_KIND_SELF: _ClassVar[ConsentKind]
    CONSENT_KIND_LICENSED: _ClassVar[ConsentKind]
    CONSENT_KIND_SYNTHETIC: _ClassVar[ConsentKind]
CONSENT_KIND_UNSPECIFIED: ConsentKind
CONSENT_KIND_SELF: ConsentKind
CONSENT_KIND_LICENSED: ConsentKind
CONSENT_KIND_SYNTHETIC: ConsentKind

class Consent(_message.Message):
    __slots__ = ("kind", "granted_by", "granted_at_us")
    KIND_FIELD_NUMBER: _ClassVar[int]
    GRANTED_BY_FIELD_NUMBER: _ClassVar[int]
    GRANTED_AT_US_FIELD_NUMBER: _ClassVar[int]
    kind: ConsentKind
    granted_by: str
    granted_at_us: int
    def __init__(self, kind: _Optional[_Union[ConsentKind, str]] = ..., granted_by: _Optional[str] = ..., granted_at_us: _Optional[int] = ...) -> None: ...

class Character(_message.Message):
    __slots__ = ("tenant", "character_id", "portrait_uri", "face", "consent", "created_at_us")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_ID_FIELD_NUMBER: _ClassVar[int]
    PORTRAIT_URI_FIELD_NUMBER: _ClassVar[int]
    FACE_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    character_id: str
    portrait_uri: str
    face: int
    consent: Consent
    created_at_us: int
    def __init__(self, tenant: _Optional[str] = ..., character_id: _Optional[str] = ..., portrait_uri: _Optional[str] = ..., face: _Optional[int] = ..., consent: _Optional[_Union[Consent, _Mapping]] = ..., created_at_us: _Optional[int] = ...) -> None: ...
