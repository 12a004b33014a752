"""Media made on the spot: tones, pictures and clips whose content the tests know."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from numpy.typing import NDArray

Tone = Callable[..., NDArray[np.float32]]
AudioWriter = Callable[..., Path]
VideoWriter = Callable[..., Path]


@pytest.fixture
def tone() -> Tone:
    """A sine [n, channels] of half scale."""

    def make(
        seconds: float, rate_hz: int = 16_000, channels: int = 1, hertz: float = 440.0
    ) -> NDArray[np.float32]:
        time_s = np.arange(round(seconds * rate_hz)) / rate_hz
        sine = 0.5 * np.sin(2 * np.pi * hertz * time_s, dtype=np.float64)
        return np.repeat(sine[:, None], channels, axis=1).astype(np.float32)

    return make


@pytest.fixture
def write_audio(tmp_path: Path) -> AudioWriter:
    """Encode samples [n, channels] to a file; the container follows from the name."""

    def write(
        name: str, samples: NDArray[np.float32], rate_hz: int = 16_000, codec: str = "pcm_s16le"
    ) -> Path:
        path = tmp_path / name
        layout = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate_hz, layout=layout[samples.shape[1]])
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(samples).reshape(1, -1), format="flt", layout=layout[samples.shape[1]]
            )
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
            assert isinstance(stream, AudioStream)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def write_video(tmp_path: Path) -> VideoWriter:
    """Encode grey pictures, one level and one time each, with sound [n, 1] at 16 kHz if given."""

    def write(
        name: str,
        levels: list[int],
        times_s: list[float],
        sound: NDArray[np.float32] | None = None,
        size: tuple[int, int] = (64, 48),
        rotation_degrees: int = 0,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            video = container.add_stream("libx264", rate=1000, options={"crf": "10", "bf": "0"})
            video.width, video.height, video.pix_fmt = size[0], size[1], "yuv420p"
            video.codec_context.time_base = Fraction(1, 1000)
            if rotation_degrees:
                video.set_display_rotation(rotation_degrees)
            audio = None if sound is None else container.add_stream("aac", rate=16_000, layout="mono")
            for level, time_s in zip(levels, times_s, strict=True):
                picture = np.full((size[1], size[0], 3), level, np.uint8)
                frame = VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            if audio is not None and sound is not None:
                block = AudioFrame.from_ndarray(sound.reshape(1, -1), format="flt", layout="mono")
                block.sample_rate, block.pts, block.time_base = 16_000, 0, Fraction(1, 16_000)
                container.mux(audio.encode(block))
                container.mux(audio.encode(None))
        return path

    return write
