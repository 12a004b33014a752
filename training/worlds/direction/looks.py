"""What expressions and emotions look like: ARKit coefficients, attitudes of the head, glances, liveliness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from models.motion import INDEX, NUM_MOTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One concept at full strength.

    `shapes` are coefficients; a name without a side stands for both. `pitch`, `yaw`, `roll` in degrees and
    `away` (headZ) are added to the head's pose. `lids` is how far the eyes close. `glance` is where the eyes
    go, as coefficients to the character's left and down; `liveliness` from -1 (still) to 1.
    """

    shapes: Mapping[str, float] = field(default_factory=dict)
    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0
    away: float = 0.0
    lids: float = 0.0
    glance: tuple[float, float] | None = None
    liveliness: float = 0.0


LOOKS: Final[Mapping[str, Look]] = {
    "smile": Look(shapes={"mouthSmile": 0.75, "cheekSquint": 0.35, "mouthDimple": 0.1, "eyeSquint": 0.1}),
    "grin": Look(
        shapes={
            "mouthSmile": 1.0,
            "cheekSquint": 0.75,
            "mouthDimple": 0.4,
            "mouthStretch": 0.3,
        }
    ),
    "frown": Look(shapes={"mouthFrown": 1.0, "mouthShrugLower": 0.35, "browDown": 0.1}),
    "pout": Look(shapes={"mouthPucker": 0.75, "mouthShrugLower": 0.6, "browInnerUp": 0.15}),
    "pressed_lips": Look(shapes={"mouthPress": 0.8, "mouthRollLower": 0.6, "mouthRollUpper": 0.6}),
    "smirk": Look(
        shapes={"mouthSmileLeft": 0.75, "mouthDimpleLeft": 0.5, "cheekSquintLeft": 0.4, "mouthLeft": 0.25}
    ),
    "grimace": Look(
        shapes={
            "mouthStretch": 0.95,
            "mouthFrown": 0.2,
            "eyeSquint": 0.3,
            "cheekSquint": 0.3,
            "noseSneer": 0.2,
        }
    ),
    "raised_brows": Look(shapes={"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.1}),
    "one_brow_raised": Look(
        shapes={"browOuterUpLeft": 1.0, "browInnerUp": 0.15, "browDownRight": 0.5, "eyeSquintRight": 0.2}
    ),
    "furrowed_brows": Look(shapes={"browDown": 0.95, "eyeSquint": 0.15}),
    "squint": Look(shapes={"eyeSquint": 0.8, "cheekSquint": 0.4, "browDown": 0.25}),
    "wide_eyes": Look(shapes={"eyeWide": 0.95, "browOuterUp": 0.2, "browInnerUp": 0.2}),
    "closed_eyes": Look(lids=1.0),
    "sneer": Look(shapes={"noseSneer": 0.9, "mouthUpperUp": 0.15, "browDown": 0.15}),
    "puffed_cheeks": Look(shapes={"cheekPuff": 0.9, "mouthPress": 0.2, "mouthPucker": 0.15}),
    "happy": Look(
        shapes={"mouthSmile": 0.8, "cheekSquint": 0.6, "eyeSquint": 0.15, "browOuterUp": 0.2},
        pitch=-2.5,
        liveliness=0.35,
    ),
    "sad": Look(
        shapes={"browInnerUp": 0.8, "mouthFrown": 0.85, "mouthShrugLower": 0.2, "browDown": 0.1},
        pitch=7.0,
        roll=2.0,
        lids=0.16,
        glance=(0.0, 0.15),
        liveliness=-0.6,
    ),
    "angry": Look(
        shapes={"browDown": 0.95, "eyeSquint": 0.25, "noseSneer": 0.4, "mouthPress": 0.5, "mouthFrown": 0.3},
        pitch=4.0,
        away=-0.15,
        liveliness=0.15,
    ),
    "surprised": Look(
        shapes={"browInnerUp": 0.95, "browOuterUp": 0.95, "eyeWide": 0.9, "mouthPucker": 0.3},
        pitch=-4.0,
        away=0.12,
    ),
    "afraid": Look(
        shapes={"browInnerUp": 0.95, "browDown": 0.35, "eyeWide": 0.75, "mouthStretch": 0.65},
        pitch=3.0,
        away=0.25,
        liveliness=0.25,
    ),
    "disgusted": Look(
        shapes={
            "noseSneer": 0.9,
            "browDown": 0.5,
            "eyeSquint": 0.3,
            "mouthFrown": 0.6,
            "mouthShrugLower": 0.3,
        },
        pitch=-2.0,
        yaw=-7.0,
        away=0.2,
    ),
    "contemptuous": Look(
        shapes={"mouthDimpleRight": 0.8, "mouthSmileRight": 0.45, "noseSneerRight": 0.4, "mouthRight": 0.2},
        pitch=-6.0,
        roll=-3.0,
        lids=0.15,
        away=0.1,
        liveliness=-0.3,
    ),
    "thoughtful": Look(
        shapes={"browDown": 0.35, "mouthPress": 0.3, "mouthShrugLower": 0.25, "eyeSquint": 0.2},
        yaw=4.0,
        roll=4.0,
        pitch=-2.0,
        glance=(0.55, -0.5),
        liveliness=-0.4,
    ),
    "tired": Look(
        shapes={"browInnerUp": 0.15, "mouthFrown": 0.35},
        pitch=8.0,
        lids=0.4,
        glance=(0.0, 0.1),
        liveliness=-0.8,
    ),
    "excited": Look(
        shapes={
            "mouthSmile": 0.85,
            "cheekSquint": 0.4,
            "browInnerUp": 0.6,
            "browOuterUp": 0.6,
            "eyeWide": 0.5,
        },
        pitch=-2.0,
        away=-0.12,
        liveliness=1.0,
    ),
    "curious": Look(
        shapes={"browOuterUp": 0.6, "browInnerUp": 0.5, "eyeWide": 0.35, "mouthSmile": 0.12},
        roll=7.0,
        away=-0.3,
        pitch=-1.0,
    ),
    "concerned": Look(
        shapes={"browInnerUp": 0.75, "browDown": 0.45, "mouthPress": 0.35, "mouthFrown": 0.25},
        pitch=2.0,
        roll=-4.0,
        away=-0.15,
        liveliness=-0.2,
    ),
    "amused": Look(
        shapes={
            "mouthSmile": 0.55,
            "mouthDimple": 0.6,
            "cheekSquint": 0.75,
            "eyeSquint": 0.3,
            "browOuterUp": 0.25,
        },
        pitch=2.0,
        roll=-5.0,
        liveliness=0.5,
    ),
    "doubtful": Look(
        shapes={
            "browOuterUpRight": 0.85,
            "browDownLeft": 0.55,
            "eyeSquintLeft": 0.45,
            "mouthFrown": 0.3,
            "mouthRight": 0.4,
        },
        roll=-5.0,
        pitch=-2.0,
        liveliness=-0.2,
    ),
    "confident": Look(
        shapes={"mouthSmile": 0.3, "mouthDimple": 0.45, "browDown": 0.12, "eyeSquint": 0.2},
        pitch=-6.0,
        away=-0.1,
        liveliness=-0.3,
    ),
    "bored": Look(
        shapes={"mouthShrugLower": 0.4, "mouthFrown": 0.2, "mouthLeft": 0.3},
        pitch=1.0,
        roll=8.0,
        lids=0.35,
        glance=(-0.45, 0.15),
        liveliness=-0.9,
    ),
    "shy": Look(
        shapes={"mouthSmile": 0.35, "mouthRollLower": 0.35, "mouthPress": 0.2, "browInnerUp": 0.45},
        pitch=6.0,
        yaw=-7.0,
        roll=-3.0,
        glance=(-0.2, 0.45),
        liveliness=-0.2,
    ),
}

# Of these pairs, one keeps the other from showing.
OPPOSITES: Final = (
    ("mouthSmile", "mouthFrown"),
    ("browDown", "browOuterUp"),
    ("browDown", "browInnerUp"),
    ("eyeWide", "eyeSquint"),
)


def coefficients(shapes: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """A motion frame [58] with these coefficients; a name without a side stands for both."""
    frame = np.zeros(NUM_MOTION)
    for name, amount in shapes.items():
        for sided in (name,) if name in INDEX else (f"{name}Left", f"{name}Right"):
            frame[INDEX[sided]] = amount
    return frame


def opposed(frame: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How much each coefficient is kept down by those of a frame [58] that it does not itself have."""
    kept_down = np.zeros(NUM_MOTION)
    for pair in OPPOSITES:
        for shown, hidden in (pair, pair[::-1]):
            against, of = coefficients({shown: 1.0}) > 0, coefficients({hidden: 1.0}) > 0
            if not frame[of].any():
                kept_down[of] = np.maximum(kept_down[of], frame[against].max())
    return kept_down
