"""Two voices in one sound: each a little to its own side, and as loud as it is alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from math import sqrt
from pathlib import Path
from typing import Final

import numpy as np

from services.ingestion.audio import probe_audio, read_audio
from services.ingestion.soundtrack import aac_rate
from services.ingestion.speech import to_mono, to_pieces
from services.kit.contracts import FloatArray, Sound

__all__ = ["open_mix"]

# Of the power of a voice, its own side gets this share and the other the rest (constant-power panning).
_NEAR_SHARE: Final = 0.7
# What a voice on both sides at once, as a mono file is played, has as power.
_BOTH_SIDES: Final = 2.0
# Below full scale, so that the encoder has room for its errors.
_LOUDEST: Final = 0.95


def open_mix(speech: Path, listen: Path) -> Sound:
    """The sound of a conversation in stereo: `speech` to the left, `listen` to the right, both from 0.

    Where the sum of both would be louder than full scale, the whole is turned down: for that its first
    block reads both files once more. Raises BadInput when one of them has no sound.
    """
    left_hz, right_hz = probe_audio(speech, "speech").rate_hz, probe_audio(listen, "listen").rate_hz
    target_hz = max(aac_rate(left_hz), aac_rate(right_hz))

    def mix() -> Iterator[FloatArray]:
        left = to_mono(read_audio(speech, "speech"), left_hz, target_hz)
        right = to_mono(read_audio(listen, "listen"), right_hz, target_hz)
        return _mix(left, right, target_hz)

    return Sound(rate_hz=target_hz, layout="stereo", blocks=_turn_down(mix(), mix()))


def _mix(left: Iterator[FloatArray], right: Iterator[FloatArray], block_size: int) -> Iterator[FloatArray]:
    near, far = sqrt(_BOTH_SIDES * _NEAR_SHARE), sqrt(_BOTH_SIDES * (1 - _NEAR_SHARE))
    gains = np.array([[near, far], [far, near]], np.float32)
    silence = np.zeros(0, np.float32)
    pairs = zip_longest(to_pieces(left, block_size), to_pieces(right, block_size), fillvalue=silence)
    for pair in pairs:
        size = max(piece.size for piece in pair)
        yield np.stack([np.pad(piece, (0, size - piece.size)) for piece in pair], axis=1) @ gains


def _turn_down(measured: Iterator[FloatArray], played: Iterator[FloatArray]) -> Iterator[FloatArray]:
    loudest = max((float(np.abs(block).max()) for block in measured), default=0.0)
    gain = np.float32(min(1.0, _LOUDEST / loudest) if loudest else 1.0)
    for block in played:
        yield block * gain
