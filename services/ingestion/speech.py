"""A voice on the chunk clock: any audio file becomes pieces of 0.2 s, mono at 16 kHz."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from services.ingestion.audio import AudioInfo, block_of, probe_audio, read_audio
from services.ingestion.domain import InputFault
from services.kit.contracts import ANALYSIS_RATE_HZ, CHUNK_SAMPLES, FRAME_SAMPLES, FloatArray

__all__ = ["probe_speech", "read_speech", "to_mono", "to_pieces"]


def read_speech(path: Path, what: str = "speech") -> Generator[FloatArray, None, None]:
    """Decode a file to pieces of CHUNK_SAMPLES, the last one shorter; memory stays flat however long it is.

    Raises BadInput, which calls it `what`, when it cannot be decoded or is shorter than one video frame.
    """
    info = probe_audio(path, what)
    pieces = to_pieces(to_mono(read_audio(path, what), info.rate_hz, ANALYSIS_RATE_HZ), CHUNK_SAMPLES)
    first = next(pieces, np.zeros(0, np.float32))
    if first.size < FRAME_SAMPLES:
        raise InputFault(
            f"{what}_too_short",
            f"{what} {path} lasts {first.size / ANALYSIS_RATE_HZ:.3f} s, "
            f"expected at least one frame ({FRAME_SAMPLES / ANALYSIS_RATE_HZ:.2f} s)",
        )
    yield first
    yield from pieces


def probe_speech(path: Path, what: str = "speech") -> AudioInfo:
    """Decode the first piece. Raises BadInput when `read_speech` would do so at the beginning."""
    info = probe_audio(path, what)
    next(read_speech(path, what))
    return info


def to_mono(blocks: Iterable[FloatArray], rate_hz: int, target_rate_hz: int) -> Iterator[FloatArray]:
    """Mix blocks [n, channels] down to the mean of their channels, and resample them to blocks [m]."""
    resampler = AudioResampler(format="flt", layout="mono", rate=target_rate_hz)
    for block in blocks:
        mono = np.ascontiguousarray(block.mean(axis=1, dtype=np.float32))
        frame = AudioFrame.from_ndarray(mono[None], format="flt", layout="mono")
        frame.sample_rate = rate_hz
        yield from (block_of(out)[:, 0] for out in resampler.resample(frame))
    yield from (block_of(out)[:, 0] for out in resampler.resample(None))


def to_pieces(blocks: Iterable[FloatArray], size: int) -> Iterator[FloatArray]:
    """Cut a stream of samples into pieces of `size`; the last one, never empty, may be shorter."""
    pending = np.zeros(0, np.float32)
    for block in blocks:
        pending = np.concatenate((pending, block))
        while pending.size >= size:
            yield pending[:size].copy()
            pending = pending[size:]
    if pending.size:
        yield pending
