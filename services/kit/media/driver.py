"""Decoding a driving video: upright pictures with their times, whatever its rate and rotation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.kit.contracts import FRAME_RATE_HZ, Picture, Pixels
from services.kit.errors import BadInput
from services.kit.media.files import open_media

__all__ = ["VideoInfo", "probe_driver", "read_driver"]

_MAX_PIXELS: Final = 8192 * 4320
# Larger pictures are reduced while they are converted: a face is read from fewer pixels than that.
_MAX_SIDE: Final = 1280
# A motion is read from at most this many pictures a second; more would only cost time.
_MIN_INTERVAL_S: Final = 1 / 32
_MAX_BAD_PACKETS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """`start_s` is the time of the first picture on the file's clock; `duration_s` the header's claim."""

    start_s: float
    duration_s: float | None


def probe_driver(path: Path) -> VideoInfo:
    """Decode the first picture of a video. Raises BadInput when there is none."""
    with open_media(path, "driver") as container:
        stream = _find_video(container, path)
        frame = next(_frames_of(container, stream, path))
        duration = container.duration
        return VideoInfo(
            start_s=frame.time or 0.0,
            duration_s=None if duration is None else duration / av.time_base,
        )


def read_driver(path: Path) -> Iterator[Picture]:
    """Yield the pictures of a video in order of strictly rising time; the first is at 0.

    A picture without a timestamp follows its predecessor by one frame. Raises BadInput when nothing,
    or too little, can be decoded.
    """
    with open_media(path, "driver") as container:
        stream = _find_video(container, path)
        interval_s = 1 / float(stream.average_rate or FRAME_RATE_HZ)
        start_s: float | None = None
        last_s = -1.0
        for frame in _frames_of(container, stream, path):
            now_s = frame.time if frame.time is not None else (start_s or 0.0) + max(last_s, 0.0) + interval_s
            start_s = now_s if start_s is None else start_s
            if now_s - start_s >= last_s + _MIN_INTERVAL_S:
                last_s = now_s - start_s
                yield Picture(time_s=last_s, pixels=_upright(frame))


def _find_video(container: InputContainer, path: Path) -> VideoStream:
    for stream in container.streams.video:
        context = stream.codec_context
        if context is None or stream.disposition & av.stream.Disposition.attached_pic:
            continue
        if context.width * context.height > _MAX_PIXELS:
            raise BadInput(f"driver {path} is {context.width}x{context.height}, expected at most 8192x4320")
        context.options = {"max_pixels": str(_MAX_PIXELS)}
        return stream
    raise BadInput(f"driver {path} has no video stream")


def _frames_of(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[VideoFrame]:
    """Decode a stream, passing over undecodable packets. Yields at least one frame or raises BadInput."""
    num_good = num_bad = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError as error:
            num_bad += 1
            if num_good == 0 and num_bad > _MAX_BAD_PACKETS:
                raise BadInput(f"driver {path} is damaged: no picture in {num_bad} packets") from error
            continue
        for frame in frames:
            if isinstance(frame, VideoFrame):
                num_good += 1
                yield frame
    if num_good == 0:
        raise BadInput(f"driver {path} is empty or damaged: it holds no decodable picture")
    if num_bad > num_good:
        raise BadInput(f"driver {path} is damaged: {num_bad} of {num_bad + num_good} packets do not decode")


def _upright(frame: VideoFrame) -> Pixels:
    """RGB pixels with the rotation of the file's display matrix applied (phones film sideways)."""
    scale = min(1.0, _MAX_SIDE / max(frame.width, frame.height))
    width, height = round(frame.width * scale), round(frame.height * scale)
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
