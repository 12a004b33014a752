"""Duplex: whether a face speaks or listens can be told from its motion, whichever way the streams lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ
from models.rig.arrays import F32
from tests.bench.behaviour import mouth_activity
from tests.bench.dialogues import Dialogue, recorded_dialogues, synthetic_dialogues
from tests.bench.figures import report
from tests.bench.phrases import Flags
from tests.bench.streams import perform, shipped_model

_SEEDS: Final = 8  # takes of each recording
_MOST: Final = 0.6  # of a second, in which the one stream sounds
_HARDLY: Final = 0.1  # of a second, in which the other one may
_BAR: Final = 0.95
# Standard deviation of the lips' opening within a second, of a wide-open jaw. In what training teaches (60
# clips of its split) no speaking second has less than 0.058, no listening second more than 0.028.
SPEAKS: Final = 0.04


def main() -> None:
    """Print the share of seconds told right, as they are and with the streams swapped."""
    synthetic = synthetic_dialogues()
    _measure("held-out synthetic", synthetic)
    _measure("held-out synthetic, swapped", [dialogue.swapped for dialogue in synthetic])
    recorded = recorded_dialogues()
    for case in ("c01", "c01 swapped"):
        _measure(case, [recorded[case]] * _SEEDS)


def told_right(dialogues: Sequence[Dialogue], motions: F32) -> Flags:
    """Whether each second in which exactly one stream sounds is told right from motion [rows, F, 58] alone.

    It sounds when it does so for 60 % of the second or more, and the other for 10 % or less.
    """
    right = []
    for dialogue, motion in zip(dialogues, motions, strict=True):
        own, other = _share(dialogue.own), _share(dialogue.other)
        speaking, listening = (own >= _MOST) & (other <= _HARDLY), (other >= _MOST) & (own <= _HARDLY)
        seems_speaking = mouth_activity(motion) > SPEAKS
        right.append(seems_speaking[speaking])
        right.append(~seems_speaking[listening])
    return np.concatenate(right)


def _share(marked: Flags) -> F32:
    """The share of every whole second that is marked: [F // 25]."""
    seconds = len(marked) // FRAME_RATE_HZ
    whole = marked[: seconds * FRAME_RATE_HZ].reshape(seconds, FRAME_RATE_HZ)
    return np.asarray(whole.mean(axis=1), np.float32)


def _measure(case: str, dialogues: Sequence[Dialogue]) -> None:
    motions = perform(shipped_model(), [dialogue.scene for dialogue in dialogues], range(len(dialogues)))
    right = told_right(dialogues, motions)
    report("duplex", case, "told_right", float(right.mean()), "share of seconds", bar=_BAR, num=len(right))


if __name__ == "__main__":
    main()
