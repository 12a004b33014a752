"""LPM in motion space: speech and noise in, 58 numbers of face motion out, 0.2 s at a time."""

from models.lpm.config import VARIANTS, LpmConfig
from models.lpm.model import Lpm, LpmChunk, LpmState, draw_noise
from models.lpm.weights import load_lpm, save_lpm
from models.lpm.windows import SpeakWindows

__all__ = [
    "VARIANTS",
    "Lpm",
    "LpmChunk",
    "LpmConfig",
    "LpmState",
    "SpeakWindows",
    "draw_noise",
    "load_lpm",
    "save_lpm",
]
