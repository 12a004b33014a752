from dramatis.session.v1 import envelope_pb2 as _envelope_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Chunk(_message.Message):
    __slots__ = ("envelope", "opening", "frames", "is_final", "motion")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    OPENING_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    MOTION_FIELD_NUMBER: _ClassVar[int]
    envelope: _envelope_pb2.Envelope
    opening: _envelope_pb2.Opening
    frames: _containers.RepeatedScalarFieldContainer[bytes]
    is_final: bool
    motion: bytes
    def __init__(self, envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping]] = ..., opening: _Optional[_Union[_envelope_pb2.Opening, _Mapping]] = ..., frames: _Optional[_Iterable[bytes]] = ..., is_final: _Optional[bool] = ..., motion: _Optional[bytes] = ...) -> None: ...
