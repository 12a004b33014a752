"""Diversity: two takes of one speech move the head differently and the mouth alike."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from models.motion import INDEX
from models.rig.arrays import F32
from tests.bench.behaviour import correlation, opening
from tests.bench.figures import report
from tests.bench.sound import EXAMPLE_SPEECH, read_sound
from tests.bench.streams import Scene, make_scene, shipped_model, takes

_SEEDS: Final = range(6)
_HEAD: Final = [INDEX[name] for name in ("headPitch", "headYaw", "headRoll")]
_HEAD_BAR: Final = 0.5  # at most
_MOUTH_BAR: Final = 0.8  # at least


def main() -> None:
    """Print the mean correlation of pairs of takes."""
    _measure("examples/speech.wav", make_scene(read_sound(EXAMPLE_SPEECH), None))


def takes_correlations(motions: F32) -> tuple[float, float]:
    """Mean correlation of head angles and of the lips' opening over all pairs of takes [T, F, 58]."""
    pairs = [*combinations(motions, 2)]
    head = [correlation(one[:, _HEAD], other[:, _HEAD]) for one, other in pairs]
    mouth = [correlation(opening(one), opening(other)) for one, other in pairs]
    return float(np.mean(head)), float(np.mean(mouth))


def _measure(case: str, scene: Scene) -> None:
    head, mouth = takes_correlations(takes(shipped_model(), scene, _SEEDS))
    report("diversity", case, "head_r", head, "pearson", bar=_HEAD_BAR)
    report("diversity", case, "mouth_r", mouth, "pearson", bar=_MOUTH_BAR)


if __name__ == "__main__":
    main()
