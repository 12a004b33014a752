"""Pictures and sound as generation and ingestion hand them over, made small."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

SIZE = 64

Encode = Callable[[int, int], list[bytes]]
WriteSoundtrack = Callable[[Path, NDArray[np.float32], int], Path]


@pytest.fixture(scope="session")
def encode_clip() -> Encode:
    """The access units of `count` grey frames, each as bright as its number from `first` on."""

    def encode(first: int, count: int) -> list[bytes]:
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)
        context.width = context.height = SIZE
        context.pix_fmt, context.time_base, context.thread_count = "yuv420p", Fraction(1, 25), 1
        context.color_range, context.colorspace, context.color_trc, context.color_primaries = 1, 1, 1, 1
        context.options = {"crf": "1", "preset": "ultrafast", "tune": "zerolatency"}
        packets = []
        for number in range(first, first + count):
            grey = np.full((SIZE * 3 // 2, SIZE), 128, np.uint8)
            grey[:SIZE] = 16 + number % 200
            frame = VideoFrame.from_ndarray(grey, format="yuv420p")
            frame.pts = number - first
            packets += context.encode(frame)
        return [bytes(packet) for packet in [*packets, *context.encode(None)]]

    return encode


@pytest.fixture(scope="session")
def write_soundtrack() -> WriteSoundtrack:
    """An AAC soundtrack of mono samples [n]."""

    def write(path: Path, samples: NDArray[np.float32], rate_hz: int) -> Path:
        with av.open(str(path), "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
            stream = container.add_stream("aac", rate=rate_hz, layout="mono")
            stream.bit_rate, stream.codec_context.thread_count = 96_000, 1
            frame = AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write
