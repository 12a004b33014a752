"""Motion as a CSV file of Live Link Face, which game engines and animation programs open."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.kit.contracts import FRAME_RATE_HZ, FloatArray
from services.kit.motion import BLENDSHAPES, MOTION_NAMES

__all__ = ["LIVE_LINK_COLUMNS", "LiveLinkMotion", "live_link_values"]

Doubles = NDArray[np.float64]

_ROTATIONS: Final = (
    "HeadYaw", "HeadPitch", "HeadRoll",
    "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll",
    "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
)  # fmt: skip
LIVE_LINK_COLUMNS: Final = tuple(name[0].upper() + name[1:] for name in BLENDSHAPES) + _ROTATIONS

_INDEX: Final = {name: i for i, name in enumerate(MOTION_NAMES)}
# The app counts sixtieths of a second, and every importer reads them so, whatever the frame rate.
_TICKS_HZ: Final = 60
_DECIMALS: Final = 6
# How far an average eye, of 12 mm radius where the outer eye corners are 89 mm apart, has to turn for its
# iris to travel as far as the rig moves it at a coefficient of one.
_EYE_ASIDE: Final = np.radians(27.0)
_EYE_UP: Final = np.radians(15.0)
_EYE_DOWN: Final = np.radians(18.0)


class LiveLinkMotion:
    """The text of a CSV file as the app Live Link Face writes it; one line a frame.

    The 52 coefficients lie between 0 and 1. Angles are in radians about ARKit's axes of a face (x to its own
    left, y up, z out of it), right-handed: yaw > 0 turns to the face's own left, pitch > 0 looks down, roll
    > 0 leans to its own right. The head's are applied in the order roll, pitch, yaw. Those of the eyes follow
    from the coefficients eyeLook*. The format has no place for the head's translation.
    """

    def head(self) -> str:
        """What precedes the frames."""
        return ",".join(("Timecode", "BlendShapeCount", *LIVE_LINK_COLUMNS)) + "\n"

    def rows(self, frames: FloatArray, first: int) -> str:
        """The frames [F, 58], of which the first is number `first` of the file."""
        values = live_link_values(frames)
        lines = [
            ",".join((_timecode(number), str(len(LIVE_LINK_COLUMNS)), *(f"{v:.{_DECIMALS}f}" for v in frame)))
            for number, frame in enumerate(values.tolist(), first)
        ]
        return "\n".join(lines) + "\n"

    def tail(self) -> str:
        """What follows them."""
        return ""


def live_link_values(frames: FloatArray) -> Doubles:
    """The columns [F, 61] of frames [F, 58]."""
    motion = frames.astype(np.float64)
    columns = np.column_stack(
        (np.clip(motion[:, : len(BLENDSHAPES)], 0.0, 1.0), _head_angles(motion), _eye_angles(motion))
    )
    # A zero without a sign.
    return np.round(columns, _DECIMALS) + 0.0


def _head_angles(motion: Doubles) -> Doubles:
    """Yaw, pitch and roll [F, 3] of heads that are pitched first, then turned, then leaned."""
    pitch, yaw, lean = (motion[:, _INDEX[name]] for name in ("headPitch", "headYaw", "headRoll"))
    # The rotation R_z(-lean) R_y(yaw) R_x(pitch) in ARKit's axes, as far as the angles need it.
    cp, sp, cy, sy, cl, sl = (f(angle) for angle in (pitch, yaw, lean) for f in (np.cos, np.sin))
    m02, m22 = cl * sy * cp - sl * sp, cy * cp
    m12 = -cl * sp - sl * sy * cp
    m10, m11 = -sl * cy, cl * cp - sl * sy * sp
    return np.column_stack((np.arctan2(m02, m22), np.arcsin(np.clip(-m12, -1, 1)), np.arctan2(m10, m11)))


def _eye_angles(motion: Doubles) -> Doubles:
    """Yaw, pitch and roll of the left eye, then of the right one [F, 6]."""
    angles = []
    for side, outward in (("Left", 1.0), ("Right", -1.0)):
        up, down, out, inside = (
            motion[:, _INDEX[f"eyeLook{way}{side}"]] for way in ("Up", "Down", "Out", "In")
        )
        angles += [outward * _EYE_ASIDE * (out - inside), _EYE_DOWN * down - _EYE_UP * up, np.zeros(len(up))]
    return np.column_stack(angles)


def _timecode(frame: int) -> str:
    """hh:mm:ss:tt.ttt of a frame, which counts ticks of 1/60 s within the second."""
    seconds, rest = divmod(frame, FRAME_RATE_HZ)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}:{rest * _TICKS_HZ / FRAME_RATE_HZ:06.3f}"
