"""What a face does, as numbers read from motion alone: mouth, nods, blinks, stillness."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from models.motion import FRAME_RATE_HZ, INDEX
from models.rig.arrays import F32
from tests.bench.mouth import full_opening, opening_of_motion

NOD_BAND_HZ: Final = (1.0, 4.0)
NOD_DEG: Final = 1.0
_BEGUN_DEG: Final = 0.3
NOD_WITHIN: Final = round(1.5 * FRAME_RATE_HZ)  # frames after an event in which a nod may begin to answer it
_FALL_FRAMES: Final = 7  # the way down of the slowest nod: half of 0.55 s
_SHUT: Final = 0.5  # of eyeBlink, beyond which a lid counts as closed
_STILL_RAD: Final = float(np.radians(0.1))
_STILL_COEFFICIENT: Final = 0.01
_HEAD: Final = [INDEX["headPitch"], INDEX["headYaw"], INDEX["headRoll"]]
_EYES: Final = [index for name, index in INDEX.items() if name.startswith("eye")]

Curve = NDArray[np.float64]


def opening(motion: F32) -> F32:
    """How far the lips part [F], as a share of the rig's wide-open jaw, for motion [F, 58]."""
    return np.asarray(opening_of_motion(motion) / full_opening(), np.float32)


def mouth_activity(motion: F32) -> F32:
    """The standard deviation of the lips' opening in every whole second of motion [F, 58]: [F // 25]."""
    seconds = len(motion) // FRAME_RATE_HZ
    parted = opening(motion[: seconds * FRAME_RATE_HZ]).reshape(seconds, FRAME_RATE_HZ)
    return np.asarray(parted.std(axis=1), np.float32)


def nod_energy(motion: F32) -> Curve:
    """The square of the head's pitch between 1 and 4 Hz, in squared degrees, at every frame: [F]."""
    band = butter(2, NOD_BAND_HZ, btype="bandpass", fs=FRAME_RATE_HZ, output="sos")
    return np.asarray(np.square(sosfiltfilt(band, _pitch_deg(motion))), np.float64)


def windowed(values: Curve, frames: int) -> Curve:
    """The mean of values [F] over the window of so many frames that begins at each: [F - frames + 1]."""
    return np.asarray(np.convolve(values, np.full(frames, 1 / frames), mode="valid"), np.float64)


def nod_delay(motion: F32, event: int) -> int | None:
    """Frames from `event` to the beginning of the next nod; None when none begins within 1.5 s.

    In a nod the head sinks by more than a degree within 0.28 s; it begins with the first third of it.
    """
    pitch = _pitch_deg(motion)
    for frame in range(event + 1, min(event + NOD_WITHIN + _FALL_FRAMES, len(pitch))):
        first = max(frame - _FALL_FRAMES, 0)
        highest = pitch[first:frame].min()
        start = first + int(np.flatnonzero(pitch[first:frame] < highest + _BEGUN_DEG)[-1])
        if pitch[frame] - highest > NOD_DEG and start >= event:
            return start - event if start - event < NOD_WITHIN else None
    return None


def num_blinks(motion: F32) -> int:
    """How often the lids close in motion [F, 58]."""
    shut = motion[:, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]].mean(1) > _SHUT
    return int(np.count_nonzero(shut[1:] & ~shut[:-1]))


def num_frozen(motion: F32, seconds: int) -> int:
    """At how many frames of motion [F, 58] a stretch of so many seconds begins in which head or eyes rest.

    Rest: no angle of the head leaves a tenth of a degree, or no coefficient of the eyes a hundredth.
    """
    stretch = seconds * FRAME_RATE_HZ
    if len(motion) < stretch:
        return 0
    head = (_range(motion[:, _HEAD], stretch) < _STILL_RAD).all(axis=1)
    eyes = (_range(motion[:, _EYES], stretch) < _STILL_COEFFICIENT).all(axis=1)
    return int(np.count_nonzero(head | eyes))


def correlation(one: F32, other: F32) -> float:
    """Pearson's correlation of two takes [F] or [F, signals], each signal against its own mean."""
    first, second = one - one.mean(0), other - other.mean(0)
    scale = float(np.sqrt(np.square(first).sum() * np.square(second).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def _pitch_deg(motion: F32) -> Curve:
    return np.degrees(motion[:, INDEX["headPitch"]].astype(np.float64))


def _range(signals: F32, frames: int) -> F32:
    """How far each signal [F, signals] ranges in every window: [F - frames + 1, signals]."""
    windows = np.lib.stride_tricks.sliding_window_view(signals, frames, axis=0)
    return np.asarray(np.ptp(windows, axis=-1), np.float32)
