from dramatis.session.v1 import envelope_pb2 as _envelope_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Clip(_message.Message):
    __slots__ = ("envelope", "clip_uri", "first_frame", "num_frames", "is_final")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    CLIP_URI_FIELD_NUMBER: _ClassVar[int]
    FIRST_FRAME_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    envelope: _envelope_pb2.Envelope
    clip_uri: str
    first_frame: int
    num_frames: int
    is_final: bool
    def __init__(self, envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping]] = ..., clip_uri: _Optional[str] = ..., first_frame: _Optional[int] = ..., num_frames: _Optional[int] = ..., is_final: _Optional[bool] = ...) -> None: ...
