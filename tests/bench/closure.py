"""Closure: lips meet on the /m/, /b/ and /p/ of voices that training never heard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ
from models.rig.arrays import F32
from tests.bench.figures import report
from tests.bench.mouth import full_opening, opening_of_motion
from tests.bench.speaking import spoken_by_model
from training.worlds.speech import BILABIALS, ClipConfig, Phone, generate_clip

_CLIPS: Final = 25
_FIRST_SEED: Final = 90_000_000
_SLACK_S: Final = 0.04
_CLOSED: Final = 0.05  # of the opening at jawOpen = 1
_BAR: Final = 0.9


def main() -> None:
    """Print the share of bilabials that close, by the model and by the world's own motion."""
    clips = [generate_clip(_FIRST_SEED + k, ClipConfig(split="heldout")) for k in range(_CLIPS)]
    spoken = [spoken_by_model(clip.samples) for clip in clips]
    ours = np.concatenate([closures(clip.phones, motion) for clip, motion in zip(clips, spoken, strict=True)])
    taught = np.concatenate([closures(clip.phones, clip.motion) for clip in clips])
    shut = np.mean(np.concatenate([_is_shut(motion) for motion in spoken]))
    report("closure", "held-out voices", "closed", float(ours.mean()), "share", bar=_BAR,
           num=len(ours), baseline_taught=float(taught.mean()), shut_frames=float(shut))  # fmt: skip


def closures(phones: Iterable[Phone], motion: F32) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Whether lips meet within 40 ms of each bilabial, for motion [F, 58] at 25 fps."""
    shut = _is_shut(motion)
    found = []
    for phone in phones:
        if phone.symbol in BILABIALS:
            first = int(np.floor((phone.start_s - _SLACK_S) * FRAME_RATE_HZ))
            last = int(np.ceil((phone.end_s + _SLACK_S) * FRAME_RATE_HZ))
            found.append(bool(shut[max(first, 0) : last].any()))
    return np.array(found, bool)


def _is_shut(motion: F32) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(opening_of_motion(motion) < _CLOSED * full_opening(), bool)


if __name__ == "__main__":
    main()
