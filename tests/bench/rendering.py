"""Rendering alone: frames a second of the rig on one core."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import numpy as np

from models.rig.render import RigRenderer
from models.rig.rig import prepare_rig
from services.kit.media.portrait import read_portrait
from tests.bench.figures import report
from training.rig.response import spoken_motion

_PORTRAIT: Final = Path(__file__).parents[2] / "examples" / "portrait.jpg"
_SIZE: Final = 512
_FRAMES: Final = 250
_BAR_HZ: Final = 60.0


def main() -> None:
    """Print frames over processor time, after the loops are compiled."""
    begin_s = time.perf_counter()
    renderer = RigRenderer(prepare_rig(read_portrait(_PORTRAIT), _SIZE))
    report("rendering", f"{_SIZE} px", "prepare", time.perf_counter() - begin_s, "s")
    motion = spoken_motion(0)[:_FRAMES]
    renderer.render(np.zeros_like(motion[0]), 0.0)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for k, frame in enumerate(motion):
        renderer.render(frame, k / 25)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    report("rendering", f"{_SIZE} px", "frames", _FRAMES / cpu_s, "1/s", bar=_BAR_HZ, wall=_FRAMES / wall_s)


if __name__ == "__main__":
    main()
