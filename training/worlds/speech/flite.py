"""Speech and phone times from flite: voices built from recordings of real speakers."""

from __future__ import annotations

import re
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.worlds.speech.phones import CMU_PHONES, SILENCE

_SEGMENT = re.compile(r"([a-z#]+):(\d+\.\d+)")

Spans = list[tuple[tuple[str, ...], float, float]]


def speak(
    voice: str, text: str, *, stretch: float, pitch_hz: float
) -> tuple[npt.NDArray[np.float32], int, Spans]:
    """Say `text`; return float32 samples [N], their rate in Hz, and (phones, start_s, end_s) spans.

    `stretch` multiplies durations. Raises ValueError when flite refuses the voice or the text.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = ["flite", "-voice", voice, "-psdur", "--setf", f"duration_stretch={stretch:.3f}"]
        command += ["--setf", f"int_f0_target_mean={pitch_hz:.1f}", "-t", text, str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0 or not path.exists():
            raise ValueError(f"flite could not say {text!r} as {voice!r}: {done.stderr[-200:]!r}")
        with wave.open(str(path)) as reader:
            sample_rate_hz = reader.getframerate()
            pcm = reader.readframes(reader.getnframes())
    samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / 32768.0
    return samples, sample_rate_hz, _spans(done.stdout.decode(), len(samples) / sample_rate_hz)


def _spans(listing: str, duration_s: float) -> Spans:
    """Read `-psdur` output: end times in seconds, restarting at zero with each sentence."""
    spans: Spans = []
    offset_s, previous_s = 0.0, 0.0
    for name, end in _SEGMENT.findall(listing):
        end_s = float(end) + offset_s
        if end_s < previous_s:
            offset_s = previous_s
            end_s = float(end) + offset_s
        spans.append((CMU_PHONES.get(name, (SILENCE,)), previous_s, end_s))
        previous_s = end_s
    ratio = duration_s / previous_s if previous_s > 0.0 else 1.0
    return [(symbols, start_s * ratio, end_s * ratio) for symbols, start_s, end_s in spans]
