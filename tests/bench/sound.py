"""Writing test sounds: 16 kHz mono wave files."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from models.rig.arrays import F32
from services.kit.contracts import ANALYSIS_RATE_HZ


def write_wave(path: Path, samples: F32) -> Path:
    """Write samples float32 [N] in [-1, 1] as 16-bit PCM."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(ANALYSIS_RATE_HZ)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path
