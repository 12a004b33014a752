"""The rig's inverse: known motion is rendered and read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.motion import INDEX, NUM_BLENDSHAPES, NUM_MOTION
from models.rig.arrays import F32, U8
from models.rig.inverse import MotionReader
from models.rig.landmarks import FaceTracker
from models.rig.neutral import to_neutral
from models.rig.render import RigRenderer
from models.rig.rig import prepare_rig
from services.kit.media.portrait import read_portrait
from tests.bench.figures import report
from tests.bench.media import find_media
from training.rig.acting import act
from training.rig.response import spoken_motion

# Portraits that the response was not measured on.
PORTRAITS: Final = ("p01", "p12", "p16", "p17")
SCORED: Final = (
    "jawOpen", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthStretchLeft", "mouthStretchRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp", "browDownLeft",
    "browDownRight", "browOuterUpLeft", "browOuterUpRight",
)  # fmt: skip
_COLUMNS: Final = [INDEX[name] for name in SCORED]
_COEFFICIENT_BAR: Final = 0.05
_ROTATION_BAR_DEG: Final = 1.5
_SEED: Final = 7919  # of no training run
_FRAMES: Final = 60  # of each set and portrait
_SIZE: Final = 512


def main() -> None:
    """Print the mean absolute errors of each set of motion, over all portraits."""
    sets = known_motion()
    read = {name: [*_read_back(motion)] for name, motion in sets.items()}
    for name, results in read.items():
        errors = np.abs(np.concatenate(results) - np.tile(sets[name], (len(results), 1)))
        _report(name, errors, sets[name])
    everything = [np.abs(r - sets[name]) for name, results in read.items() for r in results]
    _report("all", np.concatenate(everything), np.concatenate([*sets.values()]))


def known_motion() -> dict[str, F32]:
    """Sets of motion [N, 58]: one expression at a time, head turns, speech, a few expressions at once."""
    chance = np.random.default_rng(_SEED)
    spoken = spoken_motion(_SEED)
    return {
        "single": np.stack([*_single()]),
        "turned": np.stack([*_turned(spoken, chance)]),
        "spoken": spoken[chance.choice(len(spoken), _FRAMES, replace=False)],
        "acted": np.stack([act(chance) for _ in range(_FRAMES)]),
    }


def _single() -> Iterator[F32]:
    for name in (*SCORED, "rest"):
        for amount in (0.5, 1.0):
            motion = np.zeros(NUM_MOTION, np.float32)
            if name in INDEX:
                motion[INDEX[name]] = amount
            yield motion


def _turned(spoken: F32, chance: np.random.Generator) -> Iterator[F32]:
    for name, degrees in (("headPitch", 12), ("headYaw", 20), ("headRoll", 12)):
        for angle in np.radians(np.linspace(-degrees, degrees, 9)):
            motion = spoken[chance.integers(len(spoken))].copy()
            motion[NUM_BLENDSHAPES:] = 0
            motion[INDEX[name]] = angle
            yield motion


def _read_back(motion: F32) -> Iterator[F32]:
    """Motion [N, 58] as read from the renders of each portrait; a frame without a face reads as zero."""
    for stem in PORTRAITS:
        renderer = RigRenderer(prepare_rig(read_portrait(find_media(stem)), _SIZE))
        with FaceTracker() as tracker:
            rest = _settled(tracker, renderer.render(np.zeros(NUM_MOTION, np.float32), 0.0))
            if rest is None:
                raise ValueError(f"the tracker sees no face in {stem} at rest")
            reader = MotionReader(to_neutral(rest))
            seen = [_settled(tracker, renderer.render(frame, 0.0)) for frame in motion]
            zero = np.zeros(NUM_MOTION, np.float32)
            yield np.stack([zero if points is None else reader.read(points) for points in seen])


def _settled(tracker: FaceTracker, picture: U8) -> F32 | None:
    """Landmarks after the tracker has seen a picture for three frames, as it would a lasting expression."""
    tracker.read(picture)
    tracker.read(picture)
    return tracker.read(picture)


def _report(case: str, errors: F32, motion: F32) -> None:
    nothing = float(np.abs(motion[:, _COLUMNS]).mean())
    mean = float(errors[:, _COLUMNS].mean())
    report("inverse", case, "mean_error_20", mean, "coefficient", bar=_COEFFICIENT_BAR, baseline_zero=nothing)
    for name in ("headPitch", "headYaw", "headRoll"):
        degrees = float(np.degrees(errors[:, INDEX[name]]).mean())
        report("inverse", case, f"mean_error_{name}", degrees, "degree", bar=_ROTATION_BAR_DEG)


if __name__ == "__main__":
    main()
