"""Speed: the perform command on half a minute of speech, from start to finished file."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from services.kit.contracts import ANALYSIS_RATE_HZ
from tests.bench.command import dramatis
from tests.bench.figures import report
from tests.bench.sound import EXAMPLE_SPEECH, read_sound, write_wave

_PORTRAIT: Final = Path(__file__).parents[2] / "examples" / "portrait.jpg"
_SECONDS: Final = 30
_SIZE: Final = 512
_SPEED_BAR: Final = 2.0
_MEMORY_BAR_MIB: Final = 1536


def main() -> None:
    """Print the whole command's speed over real time and its peak memory, best of two runs."""
    samples = np.resize(read_sound(EXAMPLE_SPEECH), _SECONDS * ANALYSIS_RATE_HZ)
    with TemporaryDirectory() as folder:
        sound = write_wave(Path(folder) / "speech.wav", samples)
        line = ("perform", _PORTRAIT, "--speech", sound, "--size", str(_SIZE), "--quiet")
        costs = [dramatis(*line, "--output", Path(folder) / f"{k}.mp4") for k in range(2)]
    best = min(costs, key=lambda cost: cost.wall_s)
    peak = max(cost.peak_rss_mib for cost in costs)
    case = f"perform {_SECONDS} s {_SIZE} px"
    report("speed", case, "over_real_time", _SECONDS / best.wall_s, "x", bar=_SPEED_BAR, wall_s=best.wall_s,
           cpu_s=best.cpu_s, cores=os.cpu_count(), load=os.getloadavg()[0])  # fmt: skip
    report("speed", case, "peak_rss", peak, "MiB", bar=_MEMORY_BAR_MIB)


if __name__ == "__main__":
    main()
