"""The step: how long the model alone takes for one chunk, of one session and of four."""

from __future__ import annotations

import os
import time
from typing import Final, TypeVar

import numpy as np
import torch

from models.lpm.streaming import StreamingLpm
from services.kit.contracts import ANALYSIS_RATE_HZ
from tests.bench.figures import report
from tests.bench.sound import EXAMPLE_SPEECH, read_sound
from tests.bench.streams import Timed, draw_noise, encode, join_rows, make_scene, shipped_model

StateT = TypeVar("StateT")
_SECONDS: Final = 60
_SETTLE: Final = 25  # chunks until the cache is full and the loops are warm
_WIDTHS: Final = (1, 4)
_P95_BAR_MS: Final = 40.0
_FOUR_BAR: Final = 2.2
_TEXT: Final = "smile slightly, raise your brows and nod"


def main() -> None:
    """Print the percentiles of a step that hears both streams and is directed, at both widths."""
    lpm = shipped_model()
    one, four = (step_times_ms(lpm, width) for width in _WIDTHS)
    more = {"threads": torch.get_num_threads(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    report("step", "1 session", "p50", float(np.median(one)), "ms", **more)
    report("step", "1 session", "p95", float(np.quantile(one, 0.95)), "ms", bar=_P95_BAR_MS, **more)
    report("step", "4 sessions", "p95", float(np.quantile(four, 0.95)), "ms", **more)
    report("step", "4 sessions", "over_one", float(np.median(four) / np.median(one)), "x", bar=_FOUR_BAR)


def step_times_ms(lpm: StreamingLpm[StateT], width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Wall-clock time of each step of so many sessions, whose streams and direction are all there."""
    speech = np.resize(read_sound(EXAMPLE_SPEECH), _SECONDS * ANALYSIS_RATE_HZ)
    scene = make_scene(
        speech, np.roll(speech, ANALYSIS_RATE_HZ), [Timed(start_s=0.0, end_s=_SECONDS, text=_TEXT)]
    )
    chances = [np.random.default_rng(seed) for seed in range(width)]
    state, active = lpm.init_state(width), torch.ones(width, dtype=torch.bool)
    times_ms = []
    with torch.inference_mode():
        for heard in encode(scene.pieces(), lpm.config):
            noise = torch.from_numpy(np.stack([draw_noise(chance) for chance in chances]))
            chunk = join_rows([heard] * width, noise)
            begin_s = time.perf_counter()
            _, state = lpm.step(state, chunk, active)
            times_ms.append((time.perf_counter() - begin_s) * 1000)
    return np.array(times_ms[_SETTLE:])


if __name__ == "__main__":
    main()
