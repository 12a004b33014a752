"""What the command wants to know of a sound before it begins: how long it is, and whether it is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from services.ingestion.audio import probe_audio, read_audio

__all__ = ["is_silent", "measure_sound"]

# -80 dB below full scale: a converter's own noise.
_SILENCE: Final = 1e-4


def measure_sound(path: Path, what: str) -> float:
    """Seconds of a sound, by decoding all of it: headers may err. Raises BadInput, which calls it `what`."""
    rate_hz = probe_audio(path, what).rate_hz
    return sum(len(block) for block in read_audio(path, what)) / rate_hz


def is_silent(path: Path, what: str) -> bool:
    """Whether nothing is heard; it listens until something is. Raises BadInput, which calls it `what`."""
    return all(np.abs(block).max(initial=0.0) < _SILENCE for block in read_audio(path, what))
