"""Muxing chunks and their sound to one MP4 that exists whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final
from uuid import uuid4

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from services.kit.contracts import FRAME_RATE_HZ, Chunk, FloatArray, Pixels, Sound
from services.kit.errors import BadInput, Unavailable

__all__ = ["OUTPUT_SUFFIX", "VideoQuality", "check_output", "stitch"]

OUTPUT_SUFFIX: Final = ".mp4"
_VIDEO_CODEC: Final = "libx264"
_SOUND_CODEC: Final = "aac"
_VIDEO_CLOCK_HZ: Final = 12_800
_AUDIO_BITS_PER_CHANNEL: Final = 96_000
# Bit-exact: no version or date in the file, so equal inputs give equal bytes.
_CONTAINER_OPTIONS: Final = {"movflags": "+faststart", "fflags": "+bitexact"}
_STORAGE_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_METADATA: Final = {"comment": "Synthetic video made with Dramatis"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoQuality:
    """How the encoder spends bits and time; one thread, because its output depends on their number."""

    crf: int = 18
    preset: str = "veryfast"
    keyframe_interval: int = 2 * FRAME_RATE_HZ
    num_threads: int = 1


def check_output(output: Path, inputs: Iterable[Path]) -> None:
    """Raise BadInput unless a file of ours may appear at `output` without touching an input."""
    if output.is_dir():
        raise BadInput(f"output {output} is a directory, expected a file name")
    if output.suffix.lower() != OUTPUT_SUFFIX:
        raise BadInput(f"output {output} has the ending {output.suffix!r}, expected {OUTPUT_SUFFIX!r}")
    if output.exists() and not output.is_file():
        raise BadInput(f"output {output} is not a regular file")
    if not output.parent.is_dir():
        raise BadInput(f"output directory {output.parent} does not exist")
    for source in inputs:
        if output.exists() and source.exists() and output.samefile(source):
            raise BadInput(f"output {output} is also an input, expected another name")
    with _whole_or_absent(output, keep=False):
        pass


def stitch(
    chunks: Iterable[Chunk], sound: Sound | None, output: Path, quality: VideoQuality | None = None
) -> int:
    """Write an H.264/AAC MP4 at a constant 25 frames/s and return the number of frames.

    Pictures set the length: sound more than one frame past the last picture is cut. The file is written
    beside `output` and renamed when it is complete; any exception, Ctrl-C included, leaves nothing.
    Raises BadInput when the place cannot be written, Unavailable when the disk fills up.
    """
    with _whole_or_absent(output, keep=True) as part:
        return _write(part, iter(chunks), sound, quality or VideoQuality())


@contextmanager
def _whole_or_absent(output: Path, *, keep: bool) -> Iterator[Path]:
    # Absolute, because FFmpeg takes what precedes a colon in a bare name for a protocol.
    part = output.absolute().with_name(f".dramatis-{uuid4().hex}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError as error:
        raise BadInput(f"output {output} cannot be written: {_reason(error)}") from error
    try:
        yield part
        if keep:
            part.replace(output)
    except OSError as error:
        if error.errno not in _STORAGE_ERRORS:
            raise
        raise Unavailable(f"output {output} cannot be completed: {_reason(error)}") from error
    finally:
        part.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _write(part: Path, chunks: Iterator[Chunk], sound: Sound | None, quality: VideoQuality) -> int:
    first = next(chunks)
    with av.open(str(part), "w", format="mp4", container_options=_CONTAINER_OPTIONS) as container:
        container.metadata.update(_METADATA)
        picture_track = _PictureTrack(container, first.frames, quality)
        sound_track = None if sound is None else _SoundTrack(container, sound)
        for chunk in chain((first,), chunks):
            picture_track.write(chunk.frames)
            if sound_track is not None:
                sound_track.write_until(picture_track.end_s)
        if sound_track is not None:
            sound_track.write_until(picture_track.end_s + 1 / FRAME_RATE_HZ)
            sound_track.finish()
        picture_track.finish()
    return picture_track.num_frames


class _PictureTrack:
    """An H.264 track in BT.709, 4:2:0, limited range: what every player and browser takes."""

    def __init__(self, container: OutputContainer, frames: Pixels, quality: VideoQuality) -> None:
        self.num_frames = 0
        self._container = container
        self._stream = _add_picture_stream(container, frames.shape[2], frames.shape[1], quality)
        self._reformatter = VideoReformatter()

    @property
    def end_s(self) -> float:
        return self.num_frames / FRAME_RATE_HZ

    def write(self, frames: Pixels) -> None:
        for pixels in frames:
            frame = self._to_yuv(pixels)
            frame.pts, frame.time_base = self.num_frames, Fraction(1, FRAME_RATE_HZ)
            self._container.mux(self._stream.encode(frame))
            self.num_frames += 1

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))

    def _to_yuv(self, pixels: Pixels) -> VideoFrame:
        return self._reformatter.reformat(
            VideoFrame.from_ndarray(pixels, format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            dst_color_trc=ColorTrc.BT709,
            dst_color_primaries=ColorPrimaries.BT709,
        )


class _SoundTrack:
    """An AAC track that is fed no further than asked, so that nothing piles up."""

    def __init__(self, container: OutputContainer, sound: Sound) -> None:
        self._container = container
        self._sound = sound
        self._rest: FloatArray | None = None
        self._num_samples = 0
        self._stream = _add_sound_stream(container, sound)

    def write_until(self, end_s: float) -> None:
        """Encode the sound up to `end_s`, as far as there is any."""
        end = round(end_s * self._sound.rate_hz)
        while self._num_samples < end and (block := self._next_block()) is not None:
            self._rest = block[end - self._num_samples :]
            self._encode(block[: end - self._num_samples])

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))

    def _next_block(self) -> FloatArray | None:
        if self._rest is not None and len(self._rest):
            return self._rest
        return next(self._sound.blocks, None)

    def _encode(self, block: FloatArray) -> None:
        samples = np.ascontiguousarray(block).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format="flt", layout=self._sound.layout)
        frame.sample_rate = self._sound.rate_hz
        frame.pts, frame.time_base = self._num_samples, Fraction(1, self._sound.rate_hz)
        self._container.mux(self._stream.encode(frame))
        self._num_samples += len(block)


def _add_picture_stream(
    container: OutputContainer, width: int, height: int, quality: VideoQuality
) -> VideoStream:
    options = {"crf": str(quality.crf), "preset": quality.preset}
    stream = container.add_stream(_VIDEO_CODEC, rate=FRAME_RATE_HZ, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, FRAME_RATE_HZ)
    context.gop_size = quality.keyframe_interval
    context.thread_count = quality.num_threads
    context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
    context.color_trc, context.color_primaries = ColorTrc.BT709, ColorPrimaries.BT709
    stream.time_base = Fraction(1, _VIDEO_CLOCK_HZ)
    return stream


def _add_sound_stream(container: OutputContainer, sound: Sound) -> AudioStream:
    stream = container.add_stream(_SOUND_CODEC, rate=sound.rate_hz, layout=sound.layout)
    stream.bit_rate = _AUDIO_BITS_PER_CHANNEL * stream.codec_context.layout.nb_channels
    stream.codec_context.thread_count = 1
    return stream
