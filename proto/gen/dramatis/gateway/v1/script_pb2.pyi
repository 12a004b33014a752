from dramatis.session.v1 import envelope_pb2 as _envelope_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Script(_message.Message):
    __slots__ = ("envelope", "speech_text", "direction_texts", "engine")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    SPEECH_TEXT_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_TEXTS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    envelope: _envelope_pb2.Envelope
    speech_text: str
    direction_texts: _containers.RepeatedScalarFieldContainer[str]
    engine: str
    def __init__(self, envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping]] = ..., speech_text: _Optional[str] = ..., direction_texts: _Optional[_Iterable[str]] = ..., engine: _Optional[str] = ...) -> None: ...
