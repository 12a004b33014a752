"""Speech on the chunk clock: any audio file becomes segments of 0.2 s, mono at 16 kHz."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from services.ingestion.audio import AudioInfo, block_of, probe_audio, read_audio
from services.ingestion.domain import InputFault
from services.kit.contracts import ANALYSIS_RATE_HZ, CHUNK_SAMPLES, FRAME_SAMPLES, FloatArray, Segment

__all__ = ["probe_speech", "read_speech", "to_analysis", "to_segments"]


def read_speech(path: Path) -> Generator[Segment, None, None]:
    """Decode a speech file to segments; memory stays flat however long it is.

    Raises BadInput when it cannot be decoded or is shorter than one video frame.
    """
    info = probe_audio(path, "speech")
    segments = to_segments(to_analysis(read_audio(path, "speech"), info.rate_hz))
    first = next(segments, None)
    num_samples = 0 if first is None else first.samples.size
    if first is None or num_samples < FRAME_SAMPLES:
        raise InputFault(
            "speech_too_short",
            f"speech {path} lasts {num_samples / ANALYSIS_RATE_HZ:.3f} s, "
            f"expected at least one frame ({FRAME_SAMPLES / ANALYSIS_RATE_HZ:.2f} s)",
        )
    yield first
    yield from segments


def probe_speech(path: Path) -> AudioInfo:
    """Decode the first segment. Raises BadInput when `read_speech` would do so at the beginning."""
    info = probe_audio(path, "speech")
    next(read_speech(path))
    return info


def to_analysis(blocks: Iterable[FloatArray], rate_hz: int) -> Iterator[FloatArray]:
    """Mix blocks [n, channels] down to the mean of their channels and resample them to 16 kHz."""
    resampler = AudioResampler(format="flt", layout="mono", rate=ANALYSIS_RATE_HZ)
    for block in blocks:
        mono = np.ascontiguousarray(block.mean(axis=1, dtype=np.float32))
        frame = AudioFrame.from_ndarray(mono[None], format="flt", layout="mono")
        frame.sample_rate = rate_hz
        yield from (block_of(out)[:, 0] for out in resampler.resample(frame))
    yield from (block_of(out)[:, 0] for out in resampler.resample(None))


def to_segments(blocks: Iterable[FloatArray]) -> Iterator[Segment]:
    """Cut a stream of samples into segments of CHUNK_SAMPLES; the last one, never empty, is final."""
    sequence = 0
    pending = np.zeros(0, np.float32)
    for block in blocks:
        pending = np.concatenate((pending, block))
        while pending.size > CHUNK_SAMPLES:
            yield Segment(sequence=sequence, samples=pending[:CHUNK_SAMPLES].copy(), is_final=False)
            pending = pending[CHUNK_SAMPLES:]
            sequence += 1
    if pending.size:
        yield Segment(sequence=sequence, samples=pending, is_final=True)
