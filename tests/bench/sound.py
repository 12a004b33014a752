"""Test sounds: any file read as 16 kHz mono, and 16 kHz mono wave files written."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np

from models.rig.arrays import F32
from services.ingestion.speech import read_speech
from services.kit.contracts import ANALYSIS_RATE_HZ

EXAMPLE_SPEECH: Final = Path(__file__).parents[2] / "examples" / "speech.wav"


def read_sound(path: Path) -> F32:
    """Decode a file to samples float32 [N] mono at 16 kHz, as the commands would hear it."""
    return np.concatenate([*read_speech(path)])


def write_wave(path: Path, samples: F32) -> Path:
    """Write samples float32 [N] in [-1, 1] as 16-bit PCM."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(ANALYSIS_RATE_HZ)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path
