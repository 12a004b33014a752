"""Direction: each word of the vocabulary changes what it names, and lips still follow speech."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.lpm.direction import CONCEPTS, Concept
from models.motion import FRAME_RATE_HZ
from models.rig.arrays import F32
from services.kit.contracts import ANALYSIS_RATE_HZ
from tests.bench.figures import report
from tests.bench.lip_sync import BAR as SYNC_BAR
from tests.bench.lip_sync import CLIPS, SCORED, mean_r, score_motions, speech_of
from tests.bench.sound import EXAMPLE_SPEECH, read_sound
from tests.bench.speaking import SEED
from tests.bench.streams import Scene, Timed, make_scene, shipped_model, takes
from training.worlds.direction.measures import own_measure

_SEEDS: Final = range(20)
_USUAL_SECONDS: Final = 5
_SECONDS: Final = {"energy": 10, "blinking": 15}  # a rate is not seen in less
_SETTLED: Final = FRAME_RATE_HZ  # frames until what is asked for from the start is there
_SIZE_BAR: Final = 1.0
_SHARE_BAR: Final = 0.9
_TURN_S: Final = 2.0  # how long each direction of the lip sync bench lasts
_ROUNDS: Final = 5
_FOREVER: Final = 1e9


def main() -> None:
    """Print the effect size of every concept, the share that reaches the bar, and lip sync while directed."""
    speech = read_sound(EXAMPLE_SPEECH)
    for case, samples in {"speaking": speech, "silent": np.zeros_like(speech)}.items():
        sizes = effect_sizes(samples)
        for name, size in sizes.items():
            report("direction", case, f"d_{name}", size, "deviations", bar=_SIZE_BAR)
        weak = [name for name, size in sizes.items() if size < _SIZE_BAR]
        share = 1 - len(weak) / len(sizes)
        report("direction", case, "obeyed", share, "of concepts", bar=_SHARE_BAR, weak=" ".join(weak))
    _measure_sync()


def effect_sizes(speech: F32) -> dict[str, float]:
    """Cohen's d of each concept's own measure, present against absent, over 20 takes of one speech."""
    lpm, longest = shipped_model(), max(_SECONDS.values())
    without = takes(lpm, make_scene(np.resize(speech, longest * ANALYSIS_RATE_HZ), None), _SEEDS)
    sizes = {}
    for concept in CONCEPTS:
        seconds = _SECONDS.get(concept.kind, _USUAL_SECONDS)
        present = takes(lpm, directed(np.resize(speech, seconds * ANALYSIS_RATE_HZ), concept), _SEEDS)
        sizes[concept.name] = effect_size(concept, present, without[:, : present.shape[1]])
    return sizes


def effect_size(concept: Concept, present: F32, absent: F32) -> float:
    """Cohen's d of the concept's own measure: takes [T, F, 58] with it against takes without it.

    The first second is left out, in which a direction sets in.
    """
    with_it, without = (
        np.array([own_measure(concept.name, take) for take in motion[:, _SETTLED:]])
        for motion in (present, absent)
    )
    spread = np.sqrt(0.5 * (with_it.var(ddof=1) + without.var(ddof=1)))
    return float((with_it.mean() - without.mean()) / max(spread, 1e-6))


def directed(speech: F32, concept: Concept) -> Scene:
    """A speech with one concept in force all the time, asked for by its name alone."""
    return make_scene(speech, None, [Timed(start_s=0.0, end_s=_FOREVER, text=spelled(concept))])


def spelled(concept: Concept) -> str:
    """The concept's name as one would write it."""
    return concept.name.replace("_", " ")


def any_directions(seconds: float, chance: np.random.Generator) -> list[Timed]:
    """A timeline that asks for one concept after the other, 2 s each, in any order."""
    starts = np.arange(0.0, seconds, _TURN_S)
    chosen = chance.choice(len(CONCEPTS), len(starts), replace=False)
    return [
        Timed(start_s=start, end_s=start + _TURN_S, text=spelled(CONCEPTS[k]))
        for start, k in zip(starts.tolist(), chosen.tolist(), strict=True)
    ]


def _measure_sync() -> None:
    """Lip sync of the recorded clips, undirected and under one direction after the other, some times."""
    plain = mean_r(score_motions({clip: _take(clip, []) for clip in CLIPS}))
    directed_r = [mean_r(score_motions(_directed_takes(round_))) for round_ in range(_ROUNDS)]
    report("direction", "+".join(SCORED), "lip_sync_motion", float(np.mean(directed_r)), "pearson",
           bar=SYNC_BAR, least=min(directed_r), baseline_undirected=plain)  # fmt: skip


def _directed_takes(seed: int) -> dict[str, F32]:
    chance = np.random.default_rng(seed)
    return {
        clip: _take(clip, any_directions(len(speech_of(clip)) / ANALYSIS_RATE_HZ, chance)) for clip in CLIPS
    }


def _take(clip: str, timeline: list[Timed]) -> F32:
    (motion,) = takes(shipped_model(), make_scene(speech_of(clip), None, timeline), [SEED])
    return np.asarray(motion, np.float32)


if __name__ == "__main__":
    main()
