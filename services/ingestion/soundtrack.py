"""The sound of a file as it will be heard: untouched, except where AAC cannot carry it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from services.ingestion.audio import block_of, blocks_of, find_audio, frames_of, probe_audio, read_audio
from services.kit.contracts import FloatArray, Sound
from services.kit.media.files import open_media

__all__ = ["aac_rate", "open_driver_sound", "open_sound"]

# ISO/IEC 14496-3, table 1.18 (sampling frequencies) and table 1.19 (channel configurations).
_AAC_RATES: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_AAC_LAYOUTS: Final = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1")
# Same loudspeakers under another name, and files that only count their channels.
_SAME_LAYOUTS: Final = {
    "5.0(side)": "5.0",
    "5.1(side)": "5.1",
    "1 channels": "mono",
    "2 channels": "stereo",
    "6 channels": "5.1",
    "8 channels": "7.1",
}


def open_sound(path: Path, what: str = "speech") -> Sound:
    """The sound of a file from its first sample. Raises BadInput when there is none."""
    info = probe_audio(path, what)
    return _fit_to_aac(read_audio(path, what), info.rate_hz, info.layout)


def aac_rate(rate_hz: int) -> int:
    """The lowest rate of AAC that keeps all of a sound; the highest one where none does."""
    return next((rate for rate in _AAC_RATES if rate >= rate_hz), _AAC_RATES[-1])


def open_driver_sound(path: Path, video_start_s: float) -> Sound | None:
    """The sound of a driving video, shifted so that time zero is its first picture; None when silent."""
    with open_media(path, "driver") as container:
        if not container.streams.audio:
            return None
    info = probe_audio(path, "driver")
    return _fit_to_aac(_read_from(path, video_start_s, info.rate_hz), info.rate_hz, info.layout)


def _read_from(path: Path, start_s: float, rate_hz: int) -> Iterator[FloatArray]:
    """Blocks from `start_s` of the file's clock; silence where the sound begins later."""
    with open_media(path, "driver") as container:
        stream = find_audio(container, path, "driver")
        frames = frames_of(container, stream, path, "driver")
        first = next(frames)
        offset = round(((first.time or 0.0) - start_s) * rate_hz)
        for block in blocks_of(_prepend(first, frames)):
            while offset > 0:
                silence = np.zeros((min(offset, rate_hz), block.shape[1]), np.float32)
                offset -= len(silence)
                yield silence
            kept = block[-offset:] if offset < 0 else block
            offset = min(0, offset + len(block))
            if len(kept):
                yield kept


def _prepend(first: AudioFrame, frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    yield first
    yield from frames


def _fit_to_aac(blocks: Iterator[FloatArray], rate_hz: int, layout: str) -> Sound:
    target_rate_hz = aac_rate(rate_hz)
    target_layout = _SAME_LAYOUTS.get(layout, layout)
    if target_layout not in _AAC_LAYOUTS:
        blocks, target_layout = _mix_down(blocks), "mono"
    if target_rate_hz != rate_hz:
        blocks = _resample(blocks, rate_hz, target_rate_hz, target_layout)
    return Sound(rate_hz=target_rate_hz, layout=target_layout, blocks=blocks)


def _mix_down(blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
    for block in blocks:
        yield block.mean(axis=1, dtype=np.float32, keepdims=True)


def _resample(
    blocks: Iterable[FloatArray], rate_hz: int, target_rate_hz: int, layout: str
) -> Iterator[FloatArray]:
    resampler = AudioResampler(format="flt", layout=layout, rate=target_rate_hz)
    for block in blocks:
        frame = AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate = rate_hz
        yield from map(block_of, resampler.resample(frame))
    yield from map(block_of, resampler.resample(None))
