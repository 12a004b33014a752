"""Clips: the pictures of two seconds as a fragmented MP4, which can be played, joined and cut from."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from typing import Final

import av

from services.kit.contracts import FRAME_RATE_HZ
from services.kit.errors import BadMessage

__all__ = ["CLIP_TYPE", "PICTURE_CLOCK_HZ", "mux_clip"]

CLIP_TYPE: Final = "video/mp4"
PICTURE_CLOCK_HZ: Final = 12_800
# One fragment behind its own header. Times are those of the whole video, so that fragments of
# following clips can be appended to the first clip.
_CONTAINER_OPTIONS: Final = {
    "movflags": "+empty_moov+default_base_moof+frag_keyframe+frag_discont",
    "avoid_negative_ts": "disabled",
    "fflags": "+bitexact",
}


def mux_clip(frames: Sequence[bytes], first_frame: int) -> bytes:
    """Put H.264 access units (Annex B, the first a keyframe with its parameter sets) into a clip.

    Raises BadMessage when they are none.
    """
    try:
        return _mux(frames, first_frame)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise BadMessage(f"{len(frames)} frames from {first_frame} on are no H.264: {error}") from error


def _mux(frames: Sequence[bytes], first_frame: int) -> bytes:
    clip = BytesIO()
    with (
        av.open(BytesIO(frames[0]), format="h264") as source,
        av.open(clip, "w", format="mp4", container_options=_CONTAINER_OPTIONS) as container,
    ):
        stream = container.add_stream_from_template(source.streams.video[0], opaque=True)
        stream.time_base = Fraction(1, PICTURE_CLOCK_HZ)
        for index, frame in enumerate(frames):
            packet = av.Packet(frame)
            packet.stream, packet.time_base = stream, Fraction(1, FRAME_RATE_HZ)
            packet.pts = packet.dts = first_frame + index
            packet.duration, packet.is_keyframe = 1, index == 0
            container.mux(packet)
    return clip.getvalue()
