"""The whole video: the pictures of all clips and the sound in one MP4, without encoding anything anew."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from services.kit.contracts import FRAME_RATE_HZ
from services.kit.errors import SessionLost
from services.stitching.clips import PICTURE_CLOCK_HZ

__all__ = ["VIDEO_TYPE", "VideoFile"]

VIDEO_TYPE: Final = "video/mp4"
# The index in front; no version or date in the file, so equal inputs give equal bytes.
_CONTAINER_OPTIONS: Final = {"movflags": "+faststart", "fflags": "+bitexact"}
_METADATA: Final = {"comment": "Synthetic video made with Dramatis"}
_FRAME_DURATION: Final = PICTURE_CLOCK_HZ // FRAME_RATE_HZ


class VideoFile:
    """A video that grows clip by clip at a constant 25 frames/s; leave it as a context to complete it.

    Pictures set the length: sound more than one frame past the last picture is cut.
    """

    def __init__(self, path: Path, soundtrack: Path | None) -> None:
        self.num_frames = 0
        self._container = av.open(str(path), "w", format="mp4", container_options=_CONTAINER_OPTIONS)
        self._container.metadata.update(_METADATA)
        self._pictures: VideoStream | None = None
        self._soundtrack = None if soundtrack is None else av.open(str(soundtrack), "r", format="mp4")
        self._sound: _Sound | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._sound is not None:
                self._mux_sound(self._sound.take_last(self._end_s + 1 / FRAME_RATE_HZ))
            self._container.close()
        finally:
            if self._soundtrack is not None:
                self._soundtrack.close()

    def append(self, clip: bytes) -> None:
        """Add the pictures of the next clip, and the sound beside them.

        Raises SessionLost when it is no clip.
        """
        try:
            with av.open(BytesIO(clip), "r", format="mp4") as source:
                self._mux_pictures(source)
        except (av.InvalidDataError, IndexError) as error:
            raise SessionLost(f"the clip after frame {self.num_frames} cannot be read: {error}") from error
        if self._sound is not None:
            self._mux_sound(self._sound.take(self._end_s))

    @property
    def _end_s(self) -> float:
        return self.num_frames / FRAME_RATE_HZ

    def _mux_pictures(self, source: InputContainer) -> None:
        stream = source.streams.video[0]
        if self._pictures is None:
            self._pictures = self._begin(stream)
        for index, packet in enumerate(packet for packet in source.demux(stream) if packet.size):
            packet.stream, packet.time_base = self._pictures, Fraction(1, PICTURE_CLOCK_HZ)
            packet.pts = packet.dts = self.num_frames * _FRAME_DURATION
            packet.duration, packet.is_keyframe = _FRAME_DURATION, index == 0
            self._container.mux(packet)
            self.num_frames += 1

    def _begin(self, template: VideoStream) -> VideoStream:
        """Open both tracks; a container takes no further one after its first packet."""
        pictures = self._container.add_stream_from_template(template, opaque=True)
        pictures.time_base = Fraction(1, PICTURE_CLOCK_HZ)
        if self._soundtrack is not None:
            self._sound = _Sound(self._soundtrack)
            self._sound_stream = self._container.add_stream_from_template(self._sound.stream, opaque=True)
        return pictures

    def _mux_sound(self, packets: Iterator[Packet[AudioStream]]) -> None:
        for packet in packets:
            packet.stream = self._sound_stream
            self._container.mux(packet)


class _Sound:
    """The packets of a soundtrack, taken no further than asked."""

    def __init__(self, soundtrack: InputContainer) -> None:
        self.stream = soundtrack.streams.audio[0]
        self._packets = (packet for packet in soundtrack.demux(self.stream) if packet.size)
        self._next = next(self._packets, None)

    def take(self, end_s: float) -> Iterator[Packet[AudioStream]]:
        """The packets that end by `end_s`."""
        while self._next is not None and _end_s(self._next) <= end_s:
            yield self._take_next(self._next)

    def take_last(self, end_s: float) -> Iterator[Packet[AudioStream]]:
        """The packets that begin before `end_s`; the last one is cut there."""
        while self._next is not None and (left_s := end_s - _start_s(self._next)) > 0:
            packet = self._take_next(self._next)
            packet.duration = min(packet.duration or 0, round(left_s / packet.time_base))
            yield packet

    def _take_next(self, packet: Packet[AudioStream]) -> Packet[AudioStream]:
        self._next = next(self._packets, None)
        return packet


def _start_s(packet: Packet[AudioStream]) -> float:
    return float((packet.pts or 0) * packet.time_base)


def _end_s(packet: Packet[AudioStream]) -> float:
    return _start_s(packet) + float((packet.duration or 0) * packet.time_base)
