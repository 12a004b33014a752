"""Known motion to read back: faces that act, a few expressions at a time, with the head moving."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.motion import BLENDSHAPES, INDEX, NUM_BLENDSHAPES, NUM_MOTION
from models.rig.arrays import F32

_MAX_TURN: Final = np.radians([14.0, 20.0, 12.0])
_TURN: Final = np.radians([5.0, 8.0, 4.0])  # spread of pitch, yaw and roll
_TRAVEL: Final = (0.06, 0.04, 0.15)

# What faces do together: names without a side stand for both sides, amounts are relative.
_ACTS: Final[tuple[dict[str, float], ...]] = (
    {"jawOpen": 1.0},
    {"jawOpen": 0.6},
    {"jawOpen": 0.6, "mouthClose": 0.5},
    {"mouthFunnel": 1.0, "jawOpen": 0.3},
    {"mouthPucker": 1.0},
    {"mouthPucker": 0.6, "mouthFunnel": 0.5, "jawOpen": 0.2},
    {"mouthSmile": 1.0, "cheekSquint": 0.5, "mouthDimple": 0.2},
    {"mouthSmile": 0.8, "jawOpen": 0.3, "mouthUpperUp": 0.3},
    {"mouthFrown": 1.0},
    {"mouthFrown": 0.6, "mouthShrugLower": 0.5},
    {"mouthStretch": 1.0, "jawOpen": 0.2},
    {"mouthStretch": 0.5, "mouthLowerDown": 0.4, "jawOpen": 0.2},
    {"mouthLowerDown": 1.0},
    {"mouthUpperUp": 1.0},
    {"mouthLowerDown": 0.5, "mouthUpperUp": 0.5, "jawOpen": 0.2},
    {"mouthUpperUp": 0.6, "noseSneer": 0.8},
    {"mouthRollLower": 0.8, "mouthRollUpper": 0.5},
    {"mouthPress": 1.0},
    {"mouthShrugLower": 0.7, "mouthShrugUpper": 0.5},
    {"mouthLeft": 1.0},
    {"mouthRight": 1.0},
    {"jawLeft": 0.6},
    {"jawRight": 0.6},
    {"cheekPuff": 0.8},
    {"eyeBlink": 1.0},
    {"eyeBlink": 1.0},
    {"eyeSquint": 0.8, "cheekSquint": 0.4},
    {"eyeWide": 1.0},
    {"eyeWide": 0.8, "browInnerUp": 0.6, "browOuterUp": 0.7},
    {"browInnerUp": 1.0},
    {"browOuterUp": 1.0},
    {"browDown": 1.0},
    {"browDown": 0.7, "eyeSquint": 0.5},
)
_SINGLES: Final = tuple(n for n in BLENDSHAPES if not n.startswith("eyeLook") and n != "tongueOut")
_SINGLE: Final = 0.2  # how often one blendshape moves alone
_ONE_SIDED: Final = 0.2  # how often a sided expression is one side's alone


def act(chance: np.random.Generator) -> F32:
    """One motion frame float32 [58]: one blendshape or up to four acts, a gaze, a pose."""
    motion = np.zeros(NUM_MOTION)
    if chance.random() < _SINGLE:
        motion[INDEX[_SINGLES[chance.integers(len(_SINGLES))]]] = chance.uniform(0.2, 1.0)
    else:
        for k in chance.choice(len(_ACTS), chance.integers(1, 5), replace=False):
            _add(motion, _ACTS[k], chance)
    _look(motion, chance)
    motion[:NUM_BLENDSHAPES] = np.clip(motion[:NUM_BLENDSHAPES], 0, 1)
    if chance.random() < 0.7:
        turn = chance.standard_normal(3) * _TURN
        motion[NUM_BLENDSHAPES : NUM_BLENDSHAPES + 3] = np.clip(turn, -_MAX_TURN, _MAX_TURN)
        motion[NUM_BLENDSHAPES + 3 :] = chance.standard_normal(3) * _TRAVEL
    return motion.astype(np.float32)


def _add(motion: np.ndarray, expression: dict[str, float], chance: np.random.Generator) -> None:
    strength = chance.uniform(0.2, 1.0)
    sides = [1.0, 1.0]
    if chance.random() < _ONE_SIDED:
        sides[chance.integers(2)] = 0.0
    for name, amount in expression.items():
        if name in INDEX:
            motion[INDEX[name]] += strength * amount
            continue
        for side, share in zip(("Left", "Right"), sides, strict=True):
            motion[INDEX[f"{name}{side}"]] += strength * amount * share


def _look(motion: np.ndarray, chance: np.random.Generator) -> None:
    """Turn both eyes to one place, in half of the frames."""
    if chance.random() < 0.5:
        return
    left, up = chance.normal(0, 0.5, 2)
    for side, outward in (("Left", left), ("Right", -left)):
        motion[INDEX[f"eyeLookOut{side}"]] = max(outward, 0.0)
        motion[INDEX[f"eyeLookIn{side}"]] = max(-outward, 0.0)
        motion[INDEX[f"eyeLookUp{side}"]] = max(up, 0.0)
        motion[INDEX[f"eyeLookDown{side}"]] = max(-up, 0.0)
