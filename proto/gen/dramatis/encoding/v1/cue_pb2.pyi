from dramatis.session.v1 import envelope_pb2 as _envelope_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Cue(_message.Message):
    __slots__ = ("envelope", "opening", "num_frames", "speak", "mel_channels", "motion", "is_final", "directions", "listen", "pictures", "waveform")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    OPENING_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_FIELD_NUMBER: _ClassVar[int]
    SPEAK_FIELD_NUMBER: _ClassVar[int]
    MEL_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    MOTION_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    DIRECTIONS_FIELD_NUMBER: _ClassVar[int]
    LISTEN_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    WAVEFORM_FIELD_NUMBER: _ClassVar[int]
    envelope: _envelope_pb2.Envelope
    opening: _envelope_pb2.Opening
    num_frames: int
    speak: bytes
    mel_channels: int
    motion: bytes
    is_final: bool
    directions: _containers.RepeatedCompositeFieldContainer[_envelope_pb2.Direction]
    listen: bytes
    pictures: _containers.RepeatedScalarFieldContainer[bytes]
    waveform: bytes
    def __init__(self, envelope: _Optional[_Union[_envelope_pb2.Envelope, _Mapping]] = ..., opening: _Optional[_Union[_envelope_pb2.Opening, _Mapping]] = ..., num_frames: _Optional[int] = ..., speak: _Optional[bytes] = ..., mel_channels: _Optional[int] = ..., motion: _Optional[bytes] = ..., is_final: _Optional[bool] = ..., directions: _Optional[_Iterable[_Union[_envelope_pb2.Direction, _Mapping]]] = ..., listen: _Optional[bytes] = ..., pictures: _Optional[_Iterable[bytes]] = ..., waveform: _Optional[bytes] = ...) -> None: ...
