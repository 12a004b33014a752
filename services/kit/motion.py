"""The numbers of a frame of motion by name, and as a JSON file that explains itself."""

from __future__ import annotations

import json
from typing import Final

import numpy as np

from services.kit.contracts import FRAME_RATE_HZ, FloatArray

__all__ = ["BLENDSHAPES", "MOTION_NAMES", "POSE", "JsonMotion"]

# The channels of every motion on the wire, in the order of `models.motion`, which services without a model
# do not see: ARKit's coefficients from 0 to 1, the head's rotation in radians and its translation.
BLENDSHAPES: Final[tuple[str, ...]] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawRight", "jawLeft", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthRight", "mouthLeft",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "noseSneerLeft", "noseSneerRight",
    "tongueOut",
)  # fmt: skip
POSE: Final = ("headPitch", "headYaw", "headRoll", "headX", "headY", "headZ")
MOTION_NAMES: Final = BLENDSHAPES + POSE

_VERSION: Final = 1
_DECIMALS: Final = 6


class JsonMotion:
    """The text of a JSON file with the 58 numbers of every frame, as they are; one line a frame."""

    def head(self) -> str:
        """What precedes the frames."""
        described = {"version": _VERSION, "frame_rate_hz": FRAME_RATE_HZ, "names": MOTION_NAMES}
        return f'{json.dumps(described)[:-1]}, "frames": [\n'

    def rows(self, frames: FloatArray, first: int) -> str:
        """The frames [F, 58], of which the first is number `first` of the file."""
        rounded = np.round(frames.astype(np.float64), _DECIMALS) + 0.0
        lines = ",\n".join(json.dumps(frame) for frame in rounded.tolist())
        return f",\n{lines}" if first else lines

    def tail(self) -> str:
        """What follows them."""
        return "\n]}\n"
