"""Encoding pictures as H.264, in clips that begin afresh: the bytes of one depend on its pictures alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from services.generation.domain import is_clip_start
from services.kit.contracts import FRAME_RATE_HZ, Chunk, Pixels
from services.kit.messages import CLIP_CHUNKS

__all__ = ["ClipEncoder", "VideoEncoder", "VideoQuality"]

_CODEC: Final = "libx264"
_PIXEL_FORMAT: Final = "yuv420p"
# A picture in is an access unit out, at once, and the only keyframe is a clip's first.
_AT_ONCE: Final = "bframes=0:rc-lookahead=0:sync-lookahead=0:mbtree=0:scenecut=0:force-cfr=1:keyint=infinite"


class VideoEncoder(Protocol):
    """Turns the chunks of one session, in order from the beginning of any clip, to access units."""

    def encode(self, chunk: Chunk) -> tuple[bytes, ...]:
        """One H.264 access unit (Annex B) for each picture; those of equal clips are equal."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoQuality:
    """How the encoder spends bits and time (docs/decisions/0012-clips-that-begin-afresh.md).

    `keyframe_ratio` is how much finer a keyframe is drawn than what follows from it.
    """

    crf: float = 20.0
    preset: str = "veryfast"
    references: int = 2
    keyframe_ratio: float = 1.7


class ClipEncoder:
    """A `VideoEncoder` of x264 in BT.709, 4:2:0, limited range: what every player and browser takes."""

    def __init__(self, quality: VideoQuality | None = None) -> None:
        self._quality = quality or VideoQuality()
        self._reformatter = VideoReformatter()
        self._context: VideoCodecContext | None = None
        self._num_frames = 0

    def encode(self, chunk: Chunk) -> tuple[bytes, ...]:
        if is_clip_start(chunk.sequence, CLIP_CHUNKS):
            self._context, self._num_frames = self._begin(chunk.frames), 0
        context = self._context
        assert context is not None, f"chunk {chunk.sequence} came first, which begins no clip"
        return tuple(self._encode(context, pixels) for pixels in chunk.frames)

    def _encode(self, context: VideoCodecContext, pixels: Pixels) -> bytes:
        frame = self._to_yuv(pixels)
        frame.pts, frame.time_base = self._num_frames, context.time_base
        self._num_frames += 1
        (packet,) = context.encode(frame)
        return bytes(packet)

    def _to_yuv(self, pixels: Pixels) -> VideoFrame:
        return self._reformatter.reformat(
            VideoFrame.from_ndarray(pixels, format="rgb24"),
            format=_PIXEL_FORMAT,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            dst_color_trc=ColorTrc.BT709,
            dst_color_primaries=ColorPrimaries.BT709,
        )

    def _begin(self, frames: Pixels) -> VideoCodecContext:
        quality = self._quality
        context = VideoCodecContext.create(_CODEC, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = frames.shape[2], frames.shape[1], _PIXEL_FORMAT
        context.time_base, context.framerate = Fraction(1, FRAME_RATE_HZ), Fraction(FRAME_RATE_HZ)
        # One thread, because x264's output depends on their number.
        context.thread_count = 1
        context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
        context.color_trc, context.color_primaries = ColorTrc.BT709, ColorPrimaries.BT709
        spending = f"ref={quality.references}:ipratio={quality.keyframe_ratio}"
        context.options = {
            "crf": str(quality.crf),
            "preset": quality.preset,
            "x264-params": f"{_AT_ONCE}:{spending}",
        }
        return context
