"""From latents and speech to a video file."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import torch
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.decoding import decode
from services.kit.contracts import FloatArray, Pixels

__all__ = ["write_film"]

_VIDEO_CODEC: Final = "libx264"
_SOUND_CODEC: Final = "aac"


def write_film(
    autoencoder: AutoencoderKLWan, latents: Tensor, speech: FloatArray, clip: ClipConfig, path: Path
) -> int:
    """Write latents [1, C, F, h, w] and the speech [samples] to an MP4, and return how many pictures it has.

    The speech is cut, or followed by silence, to the length of the pictures.
    """
    device = next(autoencoder.parameters()).device
    pictures = 0
    with av.open(str(path), "w", format="mp4") as file:
        sound = _add_sound(file, clip)
        video: VideoStream | None = None
        for picture in _pictures(autoencoder, latents.to(device)):
            video = video or _add_video(file, picture, clip)
            file.mux(video.encode(VideoFrame.from_ndarray(picture, format="rgb24")))
            pictures += 1
        assert video is not None, "every video has latents"
        file.mux(video.encode(None))
        _write_sound(file, sound, speech, pictures, clip)
    return pictures


def _pictures(autoencoder: AutoencoderKLWan, latents: Tensor) -> Iterator[Pixels]:
    for piece in decode(autoencoder, [latents]):
        scaled = ((piece[0] + 1) * 127.5).round().to(torch.uint8).cpu()
        yield from np.ascontiguousarray(scaled.permute(1, 2, 3, 0).numpy())


def _add_video(file: OutputContainer, picture: Pixels, clip: ClipConfig) -> VideoStream:
    stream = file.add_stream(_VIDEO_CODEC, rate=Fraction(clip.frame_rate_hz))
    assert isinstance(stream, VideoStream)
    stream.height, stream.width, stream.pix_fmt = picture.shape[0], picture.shape[1], "yuv420p"
    return stream


def _add_sound(file: OutputContainer, clip: ClipConfig) -> AudioStream:
    stream = file.add_stream(_SOUND_CODEC, rate=clip.sample_rate_hz, layout="mono")
    assert isinstance(stream, AudioStream)
    return stream


def _write_sound(
    file: OutputContainer, stream: AudioStream, speech: FloatArray, pictures: int, clip: ClipConfig
) -> None:
    samples = np.zeros((1, pictures * clip.sample_rate_hz // clip.frame_rate_hz), np.float32)
    heard = min(samples.shape[1], len(speech))
    samples[0, :heard] = speech[:heard]
    frame = AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate = clip.sample_rate_hz
    file.mux(stream.encode(frame))
    file.mux(stream.encode(None))
