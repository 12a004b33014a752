"""Reenactment: motion read from the driver against motion read from the video it drove."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from models.motion import INDEX
from models.rig.arrays import F32
from models.rig.driver import find_rest, read_motions
from services.kit.media.driver import read_driver
from tests.bench.command import dramatis
from tests.bench.figures import report
from tests.bench.media import find_media

PORTRAIT: Final = "p01"
DRIVERS: Final = ("d01", "d02", "d03", "d04", "d05", "d06")
_SIGNALS: Final = {
    "jawOpen": ("jawOpen",),
    "eyeBlink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "mouthSmile": ("mouthSmileLeft", "mouthSmileRight"),
    "yaw": ("headYaw",),
    "pitch": ("headPitch",),
}
# A driver that moves less than this (standard deviation; radians for a pose) says nothing of a signal.
_STILL: Final = {"jawOpen": 0.02, "eyeBlink": 0.04, "mouthSmile": 0.04, "yaw": 0.0087, "pitch": 0.0087}
_BAR: Final = 0.8


def main() -> None:
    """Print each signal's correlation for each driver, and their means over the drivers that move it."""
    scores: dict[str, list[float]] = {signal: [] for signal in _SIGNALS}
    with TemporaryDirectory() as folder:
        for stem in DRIVERS:
            for signal, (r, spread) in _follow(stem, Path(folder) / f"{stem}.mp4").items():
                is_still = spread < _STILL[signal]
                report("reenact", stem, f"r_{signal}", r, "pearson", spread=spread, counts=int(not is_still))
                scores[signal] += [] if is_still else [r]
    for signal, values in scores.items():
        if values:
            report(
                "reenact", "drivers", f"mean_r_{signal}", float(np.mean(values)), "pearson", num=len(values)
            )
    means = [np.mean(values) for values in scores.values() if values]
    report("reenact", "drivers", "mean_r", float(np.mean(means)), "pearson", bar=_BAR)


def _follow(stem: str, output: Path) -> dict[str, tuple[float, float]]:
    """Drive the portrait; each signal's correlation and the driver's own spread."""
    driver = find_media(stem)
    dramatis("reenact", find_media(PORTRAIT), "--driver", driver, "--output", output, "--quiet")
    wanted, got = _motion_of(driver), _motion_of(output)
    num = min(len(wanted), len(got))
    pairs = {s: (_signal(wanted[:num], s), _signal(got[:num], s)) for s in _SIGNALS}
    return {signal: (_pearson(a, b), float(a.std())) for signal, (a, b) in pairs.items()}


def _motion_of(video: Path) -> F32:
    rest = find_rest(picture.pixels for picture in read_driver(video))
    pictures = ((picture.time_s, picture.pixels) for picture in read_driver(video))
    return np.stack([read.motion for read in read_motions(rest, pictures)])


def _signal(motion: F32, signal: str) -> F32:
    return np.asarray(motion[:, [INDEX[name] for name in _SIGNALS[signal]]].mean(1), np.float32)


def _pearson(a: F32, b: F32) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


if __name__ == "__main__":
    main()
