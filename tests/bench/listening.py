"""Listening: the mouth rests while the other speaks, and the head nods when the other's phrases end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ
from models.rig.arrays import F32
from tests.bench.behaviour import nod_delay, nod_energy, opening, windowed
from tests.bench.dialogues import Dialogue, recorded_dialogues, synthetic_dialogues
from tests.bench.figures import report
from tests.bench.phrases import Flags, widened
from tests.bench.streams import perform, shipped_model

_SEEDS: Final = 24  # takes of each recording
_OPEN: Final = 0.10  # of a wide-open jaw
_FALSE_LIP_BAR: Final = 0.03
_RATIO_BAR: Final = 1.5
_DELAY_BAR_S: Final = "0.2 to 0.8"
_AFTER: Final = FRAME_RATE_HZ  # frames after a phrase's end whose energy counts
_MARGIN: Final = 8  # frames: lips open and close this long before and after their own sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What the head does after phrase ends, over all takes; `energy`s in squared degrees.

    `after` is the mean nod energy in the second after an end, `anywhere` that in a second at a random time
    of listening, `elsewhere` that in a second that no end falls into. `delays_s` are those of the nods that
    follow within 1.5 s, `num_ends` counts the ends that could be followed.
    """

    after: float
    anywhere: float
    elsewhere: float
    delays_s: tuple[float, ...]
    num_ends: int

    @property
    def ratio(self) -> float:
        return self.after / self.anywhere

    @property
    def nods(self) -> float:
        """The share of ends that a nod follows."""
        return len(self.delays_s) / self.num_ends

    @property
    def delay_s(self) -> float:
        """The median delay."""
        return float(np.median(self.delays_s))


def main() -> None:
    """Print both figures for held-out synthetic dialogues, a recorded one from either side, and a call."""
    _measure("held-out synthetic", synthetic_dialogues())
    recorded = recorded_dialogues()
    _measure("c01 from either side", [recorded["c01"]] * _SEEDS + [recorded["c01 swapped"]] * _SEEDS)
    _measure("c04", [recorded["c04"]] * _SEEDS)


def false_lips(dialogues: Sequence[Dialogue], motions: F32) -> float:
    """The share of frames with the lips above 10 % open, of those in which only the other sounds.

    Frames within 0.32 s of the character's own voice are its own; `motions` is [rows, F, 58].
    """
    parted = [
        opening(motion)[dialogue.other & ~widened(dialogue.own, _MARGIN)] > _OPEN
        for dialogue, motion in zip(dialogues, motions, strict=True)
    ]
    return float(np.concatenate(parted).mean())


def reaction(dialogues: Sequence[Dialogue], motions: F32) -> Reaction:
    """How the head answers the ends of the other's phrases, while the character itself is silent."""
    after: list[float] = []
    anywhere: list[F32] = []
    elsewhere: list[F32] = []
    delays: list[int | None] = []
    for dialogue, motion in zip(dialogues, motions, strict=True):
        energy = windowed(nod_energy(motion), _AFTER).astype(np.float32)
        listening = listening_starts(dialogue)[: len(energy)]
        ends = [end for end in dialogue.ends if end < len(listening) and listening[end]]
        after += [float(energy[end]) for end in ends]
        anywhere.append(energy[listening])
        elsewhere.append(energy[listening & ~_reached(ends, len(listening))])
        delays += [nod_delay(motion, end) for end in ends]
    return Reaction(
        after=float(np.mean(after)),
        anywhere=float(np.concatenate(anywhere).mean()),
        elsewhere=float(np.concatenate(elsewhere).mean()),
        delays_s=tuple(delay / FRAME_RATE_HZ for delay in delays if delay is not None),
        num_ends=len(after),
    )


def listening_starts(dialogue: Dialogue) -> Flags:
    """At which frames a second of listening begins: the other has begun, ended at most a second ago, and
    the character is silent in all of it and was so 0.32 s before: [F]."""
    heard = np.flatnonzero(dialogue.other)
    begun = np.zeros_like(dialogue.other)
    if len(heard):
        begun[heard[0] : heard[-1] + _AFTER] = True
    own = widened(dialogue.own, _MARGIN)
    silent = ~np.array([own[frame : frame + _AFTER].any() for frame in range(len(own))])
    silent[max(len(own) - _AFTER + 1, 0) :] = False
    return np.asarray(begun & silent, bool)


def _reached(ends: Sequence[int], num_frames: int) -> Flags:
    """Which windows of a second overlap the second after an end."""
    reached = np.zeros(num_frames, bool)
    for end in ends:
        reached[max(end - _AFTER + 1, 0) : end + _AFTER] = True
    return reached


def _measure(case: str, dialogues: Sequence[Dialogue]) -> None:
    motions, deaf, mixed = (
        perform(shipped_model(), [one.scene for one in versions], range(len(versions)))
        for versions in (dialogues, [one.deaf for one in dialogues], [one.mixed for one in dialogues])
    )
    report("listening", case, "false_lips", false_lips(dialogues, motions), "share", bar=_FALSE_LIP_BAR,
           baseline_one_mixed_stream=false_lips(dialogues, mixed))  # fmt: skip
    _report(case, reaction(dialogues, motions), reaction(dialogues, deaf))
    taught = [one.taught for one in dialogues if one.taught is not None]
    if taught:
        _report(f"{case}, as taught", reaction(dialogues, np.stack(taught)), reaction(dialogues, deaf))


def _report(case: str, ours: Reaction, theirs: Reaction) -> None:
    report("listening", case, "nod_energy_ratio", ours.ratio, "x", bar=_RATIO_BAR, num=ours.num_ends,
           baseline_listen_absent=theirs.ratio, over_elsewhere=ours.after / ours.elsewhere)  # fmt: skip
    report("listening", case, "nods", ours.nods, "of phrase ends", baseline_listen_absent=theirs.nods)
    if ours.delays_s:
        report("listening", case, "nod_delay", ours.delay_s, "s", bar=_DELAY_BAR_S)


if __name__ == "__main__":
    main()
