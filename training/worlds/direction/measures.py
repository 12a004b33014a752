"""How much of a concept is in some motion: one number for each, larger when there is more of it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from models.motion import FRAME_RATE_HZ, INDEX
from training.worlds.direction.eyes import LOOK_FULL_RAD, eye_angles, line_of_sight
from training.worlds.direction.gaze import DIRECTIONS
from training.worlds.direction.gestures import POSTURES
from training.worlds.direction.looks import LOOKS, coefficients
from training.worlds.speech.curves import Curve, smooth

_SLOWER_THAN_NODS_S: Final = 0.3
_BLINK: Final = 0.5
_LEAST_DEG: Final = 0.2  # below this, less movement is not told from none


def own_measure(concept: str, motion: npt.NDArray[np.floating]) -> float:
    """How much of a concept is in motion [F, 58], at least half a second of it.

    Expressions and emotions: the median of their coefficients, weighed as they are played. Nod and shake:
    root mean square of the quick pitch or yaw in degrees. Postures: mean angle in degrees, or mean headZ.
    Gaze: the mean gaze coefficient towards its side, the mean angle away from the viewer, or how closely (a
    negative logarithm of degrees) eyes and face keep to them. Energy: logarithm of the head's speed.
    Blinking: blinks a minute, negative for rare ones. Wink: the mean difference of the lids. Raises KeyError
    for another concept.
    """
    curve = np.asarray(motion, dtype=np.float64)
    if concept in LOOKS:
        return float(np.median(curve @ _signature(concept)))
    if concept in POSTURES:
        return _posture(concept, curve)
    if concept in DIRECTIONS:
        inside = eye_angles(curve)
        x, y = DIRECTIONS[concept]
        return float((x * inside.x + y * inside.y).mean() / LOOK_FULL_RAD)
    return {
        "nod": lambda: _quick_deg(curve[:, INDEX["headPitch"]]),
        "shake": lambda: _quick_deg(curve[:, INDEX["headYaw"]]),
        "gaze_away": lambda: float(np.hypot(*line_of_sight(curve)).mean() * 180.0 / np.pi),
        "gaze_viewer": lambda: -_log_deg(_stray_rad(curve)),
        "calm": lambda: -_log_deg(_head_speed_rad(curve)),
        "lively": lambda: _log_deg(_head_speed_rad(curve)),
        "blink_often": lambda: _blinks_per_minute(curve),
        "blink_rarely": lambda: -_blinks_per_minute(curve),
        "wink": lambda: float((curve[:, INDEX["eyeBlinkLeft"]] - curve[:, INDEX["eyeBlinkRight"]]).mean()),
    }[concept]()


def _signature(concept: str) -> Curve:
    """Weights [58] of unit length; where the sides differ, their difference counts."""
    look = LOOKS[concept]
    frame = coefficients({**look.shapes, "eyeBlink": look.lids})
    for name, column in INDEX.items():
        if name.endswith("Left"):
            mirrored = INDEX[name.removesuffix("Left") + "Right"]
            left, right = frame[column], frame[mirrored]
            if left != right:
                frame[column], frame[mirrored] = left - right, right - left
    return frame / float(np.linalg.norm(frame))


def _posture(concept: str, curve: Curve) -> float:
    attitude = POSTURES[concept]
    if attitude.away:
        return float(np.sign(attitude.away) * curve[:, INDEX["headZ"]].mean())
    if attitude.roll:
        return float(np.degrees(np.sign(attitude.roll) * curve[:, INDEX["headRoll"]].mean()))
    return float(np.degrees(np.sign(attitude.yaw) * curve[:, INDEX["headYaw"]].mean()))


def _quick_deg(angle: Curve) -> float:
    quick = angle - smooth(angle, _SLOWER_THAN_NODS_S)
    return float(np.degrees(np.sqrt(np.square(quick).mean())))


def _stray_rad(curve: Curve) -> float:
    face = np.hypot(curve[:, INDEX["headYaw"]], curve[:, INDEX["headPitch"]])
    return float((np.hypot(*line_of_sight(curve)) + face).mean())


def _head_speed_rad(curve: Curve) -> float:
    """Mean speed of the head's rotation in radians a second."""
    turns = curve[:, [INDEX["headPitch"], INDEX["headYaw"], INDEX["headRoll"]]]
    return float(np.linalg.norm(np.diff(turns, axis=0), axis=1).mean() * FRAME_RATE_HZ)


def _log_deg(angle_rad: float) -> float:
    return float(np.log(_LEAST_DEG + np.degrees(angle_rad)))


def _blinks_per_minute(curve: Curve) -> float:
    shut = curve[:, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]].min(axis=1) > _BLINK
    return float((shut[1:] & ~shut[:-1]).sum() * 60.0 * FRAME_RATE_HZ / len(curve))
