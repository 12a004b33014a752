"""The motion frame: the 58 numbers that describe a face at one instant, and their order."""

from __future__ import annotations

from typing import Final

# Apple's ARFaceAnchor.BlendShapeLocation names, in the column order of Live Link Face.
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

# Head pose relative to the portrait's own. Rotation in radians: pitch > 0 looks down, yaw > 0 turns
# to the viewer's right, roll > 0 leans clockwise as the viewer sees it. Translation in units of the
# distance between the outer eye corners: x to the viewer's right, y down, z away from the viewer.
POSE: Final[tuple[str, ...]] = ("headPitch", "headYaw", "headRoll", "headX", "headY", "headZ")

MOTION_NAMES: Final[tuple[str, ...]] = BLENDSHAPES + POSE
NUM_BLENDSHAPES: Final = len(BLENDSHAPES)
NUM_MOTION: Final = len(MOTION_NAMES)
INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(MOTION_NAMES)}

FRAME_RATE_HZ: Final = 25
CHUNK_FRAMES: Final = 5
