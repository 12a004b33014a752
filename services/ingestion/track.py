"""The soundtrack as a file: AAC in an MP4 container, which the video takes over without encoding it anew."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.audio.frame import AudioFrame

from services.kit.contracts import FloatArray, Sound

__all__ = ["TRACK_TYPE", "TrackFile"]

TRACK_TYPE: Final = "audio/mp4"
_BITS_PER_CHANNEL: Final = 96_000
# Bit-exact: no version or date in the file, so equal inputs give equal bytes.
_CONTAINER_OPTIONS: Final = {"fflags": "+bitexact"}


class TrackFile:
    """A soundtrack that is encoded piece by piece; leave it as a context to complete it."""

    def __init__(self, path: Path, sound: Sound) -> None:
        self._sound = sound
        self._rest: FloatArray | None = None
        self._num_samples = 0
        self._container = av.open(str(path), "w", format="mp4", container_options=_CONTAINER_OPTIONS)
        self._stream = self._container.add_stream("aac", rate=sound.rate_hz, layout=sound.layout)
        self._stream.bit_rate = _BITS_PER_CHANNEL * self._stream.codec_context.layout.nb_channels
        self._stream.codec_context.thread_count = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def encode_until(self, end_s: float) -> bool:
        """Encode the sound up to `end_s`; False when it ended before."""
        end = round(end_s * self._sound.rate_hz)
        while self._num_samples < end:
            block = self._next_block()
            if block is None:
                return False
            self._rest = block[end - self._num_samples :]
            self._encode(block[: end - self._num_samples])
        return True

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
