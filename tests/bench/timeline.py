"""Timelines: a gesture that is asked for at a moment happens at that moment."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.lpm.direction import CONCEPTS, Concept
from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ
from models.rig.arrays import F32
from services.kit.contracts import ANALYSIS_RATE_HZ
from tests.bench.direction import spelled
from tests.bench.figures import report
from tests.bench.sound import EXAMPLE_SPEECH, read_sound
from tests.bench.streams import CHUNK_S, Timed, make_scene, perform, shipped_model
from training.worlds.direction.measures import own_measure

_TRIALS: Final = 20  # of each gesture
_SECONDS: Final = 12
_WINDOW_S: Final = 1.5
_QUIET_S: Final = 1.0  # after its window, while what was asked for fades
_EARLIEST_S: Final = 1.0
_BAR: Final = 0.9
_SEED: Final = 5


def main() -> None:
    """Print how often each gesture happened in its window, speaking and silent, and how often unasked."""
    speech = np.resize(read_sound(EXAMPLE_SPEECH), _SECONDS * ANALYSIS_RATE_HZ)
    gestures = [concept for concept in CONCEPTS if concept.kind in ("gesture", "gaze")]
    for case, samples in {"speaking": speech, "silent": np.zeros_like(speech)}.items():
        unasked = _motions(samples, None)
        shares = [_share(concept, _motions(samples, concept)) for concept in gestures]
        chances = [_share(concept, unasked) for concept in gestures]
        for concept, share, chance in zip(gestures, shares, chances, strict=True):
            report("timeline", case, concept.name, share, "of windows", baseline_unasked=chance)
        report("timeline", case, "happened", float(np.mean(shares)), "of windows", bar=_BAR,
               baseline_unasked=float(np.mean(chances)), num=_TRIALS * len(gestures))  # fmt: skip


def happened(concept: Concept, motion: F32, first: int) -> bool:
    """Whether motion [F, 58] shows more of the concept in the window from frame `first` on than in any other.

    The others are as long, lie side by side before it and, after a second in which it fades, behind it.
    """
    length = round(_WINDOW_S * FRAME_RATE_HZ)
    before = range(first - length, -1, -length)
    after = range(first + length + round(_QUIET_S * FRAME_RATE_HZ), len(motion) - length + 1, length)
    elsewhere = [own_measure(concept.name, motion[at : at + length]) for at in (*before, *after)]
    return own_measure(concept.name, motion[first : first + length]) > max(elsewhere)


def timeline(concept: Concept, start_s: float) -> list[Timed]:
    """One concept for 1.5 s, asked for by its name."""
    end_s = start_s + _WINDOW_S
    asked = Timed(start_s=start_s, end_s=end_s, text=spelled(concept))
    return [*_otherwise(concept, 0.0, start_s), asked, *_otherwise(concept, end_s, _SECONDS)]


def _motions(speech: F32, concept: Concept | None) -> F32:
    """Motion [trials, F, 58] that is asked for one concept in each trial's window, or for nothing."""
    scenes = [
        make_scene(speech, None, timeline(concept, chunk * CHUNK_S) if concept else ())
        for chunk in _windows().tolist()
    ]
    return perform(shipped_model(), scenes, range(_TRIALS))


def _share(concept: Concept, motions: F32) -> float:
    """In how many of the trials it happened."""
    firsts = (_windows() * CHUNK_FRAMES).tolist()
    return float(np.mean([happened(concept, one, first) for one, first in zip(motions, firsts, strict=True)]))


def _windows() -> NDArray[np.int64]:
    """The chunk that each trial's window begins with, anywhere in the speech but at its very ends."""
    last = round((_SECONDS - _WINDOW_S - _QUIET_S - _EARLIEST_S) / CHUNK_S)
    return np.random.default_rng(_SEED).integers(round(_EARLIEST_S / CHUNK_S), last, size=_TRIALS)


def _otherwise(concept: Concept, start_s: float, end_s: float) -> list[Timed]:
    """What is asked for elsewhere: nothing, but around a gaze at the viewer, which is the usual one."""
    return [Timed(start_s=start_s, end_s=end_s, text="look away")] if concept.name == "gaze_viewer" else []


if __name__ == "__main__":
    main()
