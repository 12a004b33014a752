from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Identity(_message.Message):
    __slots__ = ("tenant", "character_id", "size", "identity_uri", "num_faces", "code", "detail", "created_at_us")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_URI_FIELD_NUMBER: _ClassVar[int]
    NUM_FACES_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    character_id: str
    size: int
    identity_uri: str
    num_faces: int
    code: str
    detail: str
    created_at_us: int
    def __init__(self, tenant: _Optional[str] = ..., character_id: _Optional[str] = ..., size: _Optional[int] = ..., identity_uri: _Optional[str] = ..., num_faces: _Optional[int] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ..., created_at_us: _Optional[int] = ...) -> None: ...
