from dramatis.session.v1 import envelope_pb2 as _envelope_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SpokenText(_message.Message):
    __slots__ = ("text", "voice", "language")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VOICE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    text: str
    voice: str
    language: str
    def __init__(self, text: _Optional[str] = ..., voice: _Optional[str] = ..., language: _Optional[str] = ...) -> None: ...

class Performance(_message.Message):
    __slots__ = ("envelope", "opening", "directions", "speech_uri", "speech_url", "speech_text", "driver_uri", "driver_url", "max_duration_s", "listen_uri", "listen_url")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    OPENING_FIELD_NUMBER: _ClassVar[int]
    DIRECTIONS_FIELD_NUMBER: _ClassVar[int]
    SPEECH_URI_FIELD_NUMBER: _ClassVar[int]
    SPEECH_URL_FIELD_NUMBER: _ClassVar[int]
    SPEECH_TEXT_FIELD_NUMBER: _ClassVar[int]
    DRIVER_URI_FIELD_NUMBER: _ClassVar[int]
    DRIVER_URL_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    LISTEN_URI_FIELD_NUMBER: _ClassVar[int]
    LISTEN_URL_FIELD_NUMBER: _ClassVar[int]
    envelope: _envelope_pb2.Envelope
    opening: _envelope_pb2.Opening
    directions: _containers.RepeatedCompositeFieldContainer[_envelope_pb2.Direction]
    speech_uri: str
    speech_url: str
    speech_text: SpokenText
    driver_uri: str
    driver_url: str
    max_duration_s: float
    listen_uri: str
    listen_url: str
    def __init__(self, envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping]] = ..., opening: _Optional[_Union[_envelope_pb2.Opening, _Mapping]] = ..., directions: _Optional[_Iterable[_Union[_envelope_pb2.Direction, _Mapping]]] = ..., speech_uri: _Optional[str] = ..., speech_url: _Optional[str] = ..., speech_text: _Optional[_Union[SpokenText, _Mapping]] = ..., driver_uri: _Optional[str] = ..., driver_url: _Optional[str] = ..., max_duration_s: _Optional[float] = ..., listen_uri: _Optional[str] = ..., listen_url: _Optional[str] = ...) -> None: ...
