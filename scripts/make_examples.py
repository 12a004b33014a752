"""Makes the example portrait and speech; examples/README.md says where they come from."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import skimage.data
from PIL import Image
from scipy.io import wavfile

EXAMPLES: Final = Path(__file__).parents[1] / "examples"
VOICE: Final = "slt"
TEXT: Final = (
    "Hello. A moment ago, I was only a photograph. Now I can speak, look around, and blink. "
    "Give me any voice, and I will make it mine."
)
PEAK_DBFS: Final = -3.0
LEAD_S: Final = 0.24
TAIL_S: Final = 0.4


def main() -> int:
    """Write examples/portrait.jpg and examples/speech.wav."""
    EXAMPLES.mkdir(exist_ok=True)
    portrait = skimage.data.astronaut()  # type: ignore[no-untyped-call]  # the library has no types here
    Image.fromarray(portrait).save(EXAMPLES / "portrait.jpg", quality=95)
    rate_hz, speech = synthesise(TEXT)
    wavfile.write(EXAMPLES / "speech.wav", rate_hz, finish(speech, rate_hz))
    return 0


def synthesise(text: str) -> tuple[int, np.ndarray[tuple[int], np.dtype[np.int16]]]:
    """Sample rate in Hz and mono samples of the text, spoken by flite.

    Raises:
        SystemExit: flite is not installed.
    """
    flite = shutil.which("flite")
    if flite is None:
        raise SystemExit("flite is missing; make setup installs it")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run([flite, "-voice", VOICE, "-t", text, "-o", str(path)], check=True)
        rate_hz, samples = wavfile.read(path)
    return rate_hz, samples


def finish(
    speech: np.ndarray[tuple[int], np.dtype[np.int16]], rate_hz: int
) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """The speech at its peak level, with a breath of silence before and after."""
    level = 10 ** (PEAK_DBFS / 20) * np.iinfo(np.int16).max
    loud = np.round(speech * (level / np.abs(speech.astype(np.int32)).max())).astype(np.int16)
    return np.pad(loud, (round(LEAD_S * rate_hz), round(TAIL_S * rate_hz)))


if __name__ == "__main__":
    sys.exit(main())
