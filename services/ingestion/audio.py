"""Decoding the audio of any media file to float samples, in its own rate and channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from services.kit.contracts import FloatArray
from services.kit.errors import BadInput
from services.kit.media.files import open_media

__all__ = ["AudioInfo", "block_of", "blocks_of", "find_audio", "frames_of", "probe_audio", "read_audio"]

# Real files carry a few undecodable packets (tags, a cut end). More of them than this before the
# first sound, or more than decodable ones at the end, is a damaged file.
_MAX_BAD_PACKETS: Final = 64
_MIN_RATE_HZ: Final = 1_000
_MAX_RATE_HZ: Final = 768_000
# Full scale is 1; floats above it are legal, absurd ones make encoders fail.
_MAX_AMPLITUDE: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """What the first decoded samples say; `duration_s` is the header's claim, None when it has none."""

    rate_hz: int
    layout: str
    num_channels: int
    duration_s: float | None


def probe_audio(path: Path, what: str) -> AudioInfo:
    """Decode the beginning of a file. Raises BadInput when there is no sound to be had."""
    with open_media(path, what) as container:
        stream = find_audio(container, path, what)
        frame = next(frames_of(container, stream, path, what))
        if not _MIN_RATE_HZ <= frame.sample_rate <= _MAX_RATE_HZ:
            raise BadInput(f"{what} {path} claims {frame.sample_rate} Hz, expected 1 to 768 kHz")
        return AudioInfo(
            rate_hz=frame.sample_rate,
            layout=frame.layout.name,
            num_channels=frame.layout.nb_channels,
            duration_s=_claimed_duration(container, stream),
        )


def read_audio(path: Path, what: str) -> Iterator[FloatArray]:
    """Yield interleaved blocks [n, channels] in the file's own rate, from its first sample to its last.

    What is not a number becomes silence. Raises BadInput when nothing, or too little, can be decoded.
    """
    with open_media(path, what) as container:
        stream = find_audio(container, path, what)
        yield from blocks_of(frames_of(container, stream, path, what))


def find_audio(container: InputContainer, path: Path, what: str) -> AudioStream:
    """The first audio stream with a decoder. Raises BadInput when there is none."""
    for stream in container.streams.audio:
        if stream.codec_context is not None:
            return stream
    raise BadInput(f"{what} {path} has no audio stream")


def frames_of(container: InputContainer, stream: AudioStream, path: Path, what: str) -> Iterator[AudioFrame]:
    """Decode a stream, passing over undecodable packets. Yields at least one frame or raises BadInput."""
    num_good = num_bad = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError as error:
            num_bad += 1
            if num_good == 0 and num_bad > _MAX_BAD_PACKETS:
                raise BadInput(f"{what} {path} is damaged: no audio in {num_bad} packets") from error
            continue
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.samples:
                num_good += 1
                yield frame
    if num_good == 0:
        raise BadInput(f"{what} {path} is empty or damaged: it holds no decodable audio")
    if num_bad > num_good:
        raise BadInput(f"{what} {path} is damaged: {num_bad} of {num_bad + num_good} packets do not decode")


def blocks_of(frames: Iterator[AudioFrame]) -> Iterator[FloatArray]:
    """Turn decoded frames into float blocks [n, channels] in the rate and layout of the first frame."""
    first = next(frames)
    rate_hz, layout = first.sample_rate, first.layout
    resampler, source = AudioResampler(format="flt"), _format_of(first)
    for frame in chain((first,), frames):
        if _format_of(frame) != source:
            yield from map(block_of, resampler.resample(None))
            resampler = AudioResampler(format="flt", layout=layout, rate=rate_hz)
            source = _format_of(frame)
        frame.pts = None
        yield from map(block_of, resampler.resample(frame))
    yield from map(block_of, resampler.resample(None))


def _format_of(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def block_of(frame: AudioFrame) -> FloatArray:
    """The samples [n, channels] of an interleaved float frame, finite and bounded."""
    samples = np.asarray(frame.to_ndarray(), np.float32).reshape(-1, frame.layout.nb_channels)
    samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(samples, -_MAX_AMPLITUDE, _MAX_AMPLITUDE)


def _claimed_duration(container: InputContainer, stream: AudioStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base
