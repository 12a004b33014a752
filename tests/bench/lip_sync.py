"""Lip sync on real clips: how well a mouth's opening follows the real speaker's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.rig.arrays import F32
from services.kit.contracts import FRAME_SAMPLES
from tests.bench.command import dramatis
from tests.bench.figures import report
from tests.bench.media import find_media
from tests.bench.mouth import opening_of_motion, tracked_opening
from tests.bench.sound import read_sound
from tests.bench.speaking import SEED, spoken_by_model

CLIPS: Final = ("v01", "v02", "v03", "v04", "v05", "v06")
SCORED: Final = ("v01", "v03", "v04", "v06")  # the sound of the others says little about their lips
PORTRAIT: Final = "p01"
MAX_LAG: Final = 5
BAR: Final = 0.5
_SIGMAS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # frames
_POWERS: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
_QUIET: Final = 1e-3  # -60 dB of full scale, added before the power


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """r: Pearson's correlation at the best lag; lag: in frames, positive when the second one is late."""

    r: float
    lag: int


def best_sync(real: F32, other: F32, max_lag: int = MAX_LAG) -> Sync:
    """Correlate two openings [F] at 25 fps at every lag within +-max_lag; the longer one is cut."""
    num = min(len(real), len(other))
    syncs = [
        Sync(
            r=_pearson(real[max(-lag, 0) : num - max(lag, 0)], other[max(lag, 0) : num + min(lag, 0)]),
            lag=lag,
        )
        for lag in range(-max_lag, max_lag + 1)
    ]
    return max(syncs, key=lambda sync: sync.r)


@cache
def real_opening(clip: str) -> F32:
    """The tracked mouth opening of the real speaker, float32 [F] at 25 fps. Cached for the process."""
    return tracked_opening(find_media(clip))


@cache
def speech_of(clip: str) -> F32:
    """The clip's sound, float32 [N] mono at 16 kHz. Cached for the process."""
    return read_sound(find_media(clip))


def score_motions(motions: dict[str, F32]) -> dict[str, Sync]:
    """Score motion float32 [F, 58] made from the sound of each clip, without rendering."""
    return {clip: best_sync(real_opening(clip), opening_of_motion(m)) for clip, m in motions.items()}


def mean_r(syncs: dict[str, Sync]) -> float:
    """Mean correlation over the clips that count."""
    return float(np.mean([syncs[clip].r for clip in SCORED]))


def envelope_baseline() -> dict[str, Sync]:
    """The best that a smoothed audio envelope does: one power and smoothing for all the clips."""
    trials = [
        {clip: best_sync(real_opening(clip), envelope(speech_of(clip), power, sigma)) for clip in CLIPS}
        for power in _POWERS
        for sigma in _SIGMAS
    ]
    return max(trials, key=mean_r)


def envelope(samples: F32, power: float, sigma: float) -> F32:
    """Root mean square [F] of each 40 ms frame of 16 kHz sound, raised to a power and smoothed."""
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    level = (np.sqrt((frames.astype(np.float64) ** 2).mean(1)) + _QUIET) ** power
    smooth: F32 = (gaussian_filter1d(level, sigma) if sigma else level).astype(np.float32)
    return smooth


def report_syncs(bench: str, syncs: dict[str, Sync], baseline: dict[str, Sync]) -> None:
    """Print one line a clip and the mean with its bar, each beside the baseline."""
    for clip, sync in syncs.items():
        report(bench, clip, "r", sync.r, "pearson", lag=sync.lag, baseline=baseline[clip].r)
    report(bench, "+".join(SCORED), "mean_r", mean_r(syncs), "pearson", bar=BAR, baseline=mean_r(baseline))


def _pearson(a: F32, b: F32) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def main() -> None:
    """Score the model's motion, and the same drawn on a portrait and tracked, beside the best envelope."""
    baseline = envelope_baseline()
    motions = {clip: spoken_by_model(speech_of(clip)) for clip in CLIPS}
    report_syncs("lip_sync_motion", score_motions(motions), baseline)
    with TemporaryDirectory() as folder:
        syncs = {clip: best_sync(real_opening(clip), _drawn_opening(clip, Path(folder))) for clip in CLIPS}
    report_syncs("lip_sync", syncs, baseline)


def _drawn_opening(clip: str, folder: Path) -> F32:
    """Perform a clip's sound on the portrait and track the mouth of the video."""
    output = folder / f"{clip}.mp4"
    line = ("--speech", find_media(clip), "--output", output, "--seed", str(SEED), "--quiet")
    dramatis("perform", find_media(PORTRAIT), *line)
    return tracked_opening(output)


if __name__ == "__main__":
    main()
