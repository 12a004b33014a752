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
    """Say one sentence; return float32 samples [N], their rate in Hz, and (phones, start_s, end_s) spans.

    `stretch` multiplies durations. Raises ValueError when flite refuses the voice, or finds two sentences.
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
    return samples, sample_rate_hz, _spans(done.stdout.decode())


def _spans(listing: str) -> Spans:
    """Read `-psdur` output, the end times in seconds of a single sentence.

    The times hold as they are; some voices only cut the last pause short.
    """
    spans: Spans = []
    previous_s = 0.0
    for name, end in _SEGMENT.findall(listing):
        end_s = float(end)
        if end_s < previous_s:
            raise ValueError("flite was given more than one sentence")
        spans.append((CMU_PHONES.get(name, (SILENCE,)), previous_s, end_s))
        previous_s = end_s
    return spans
