"""Gestures of the head: nods, shakes, tilts, leans and turns, and how lively it moves at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from models.motion import INDEX
from training.worlds.direction.holding import Hold, Span, frame_times, lag
from training.worlds.speech.curves import Curve, bump, smooth, wander

_DEGREE: Final = np.pi / 180.0
_NOD_RAD: Final = 7.5 * _DEGREE
_SHAKE_RAD: Final = 8.0 * _DEGREE
_TEMPO_HZ: Final = (1.6, 2.4)
_USUAL_TEMPO_HZ: Final = 1.9
_LAST_CYCLE_S: Final = 0.2  # no nod begins later than this before the end
_INERTIA_S: Final = 0.13  # of a head that takes a posture
_FREEDOM: Final = 0.15  # how far a person's habits differ from the usual, as a share


class Attitude(NamedTuple):
    """What a posture at full strength adds to the head: degrees, and units of headZ."""

    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0
    away: float = 0.0


POSTURES: Final[Mapping[str, Attitude]] = {
    "tilt_left": Attitude(roll=14.0),
    "tilt_right": Attitude(roll=-14.0),
    "lean_forward": Attitude(away=-1.2, pitch=-2.0),
    "lean_back": Attitude(away=1.2, pitch=-5.0),
    "turn_left": Attitude(yaw=18.0),
    "turn_right": Attitude(yaw=-18.0),
}


def nods(rng: np.random.Generator, held: Hold) -> Curve:
    """Added pitch [F] in radians: bursts of two or three nods, each down first and a little up after."""
    pitch = np.zeros_like(held.level)
    for start_s, tempo_hz, cycles, level in _bursts(rng, held.spans):
        phase = 2 * np.pi * tempo_hz * (frame_times(len(pitch)) - start_s)
        inside = (phase >= 0) & (phase < 2 * np.pi * cycles)
        nodding = 0.5 * np.sin(phase) + 0.375 * (1.0 - np.cos(phase))
        weaker = 1.0 - 0.12 * np.floor(phase / (2 * np.pi))
        pitch += np.where(inside, _NOD_RAD * level * weaker * nodding, 0.0)
    return smooth(pitch, 0.04)


def shakes(rng: np.random.Generator, held: Hold) -> Curve:
    """Added yaw [F] in radians: bursts of two or three shakes."""
    yaw = np.zeros_like(held.level)
    for start_s, tempo_hz, cycles, level in _bursts(rng, held.spans):
        phase = 2 * np.pi * tempo_hz * (frame_times(len(yaw)) - start_s)
        inside = (phase >= 0) & (phase < 2 * np.pi * cycles)
        side = rng.choice([-1.0, 1.0])
        yaw += np.where(inside, side * _SHAKE_RAD * level * np.sin(phase), 0.0)
    return smooth(yaw, 0.04)


def posture(rng: np.random.Generator, attitude: Attitude, level: Curve) -> dict[str, Curve]:
    """What an attitude adds to the pose: [F] by name, a little of it different for each person."""
    own = rng.uniform(1.0 - _FREEDOM, 1.0 + _FREEDOM)
    level = lag(level, _INERTIA_S) * own * (1.0 + 0.06 * wander(rng, len(level), 0.8))
    return {
        "headPitch": attitude.pitch * _DEGREE * level,
        "headYaw": attitude.yaw * _DEGREE * level,
        "headRoll": attitude.roll * _DEGREE * level,
        "headZ": attitude.away * level,
    }


def enliven(rng: np.random.Generator, motion: Curve, amount: Curve) -> None:
    """Change in place how much head and brows of motion [F, 58] move; `amount` [F] from -1 (still) to 1."""
    calmer, livelier = (-amount).clip(0.0, 1.0), amount.clip(0.0, 1.0)
    gain = (1.0 - 0.9 * calmer) * (1.0 + 0.6 * livelier)
    for name, swing_deg in (("headPitch", 1.8), ("headYaw", 2.8), ("headRoll", 1.8)):
        column = motion[:, INDEX[name]]
        slow = smooth(column, 1.4)
        column[:] = slow + gain * (column - slow)
        column += swing_deg * _DEGREE * livelier * wander(rng, len(column), rng.uniform(0.2, 0.3))
    raised = _accents(rng, livelier)
    for name, share in (("browInnerUp", 1.0), ("browOuterUpLeft", 0.75), ("browOuterUpRight", 0.75)):
        column = motion[:, INDEX[name]]
        column *= 1.0 - 0.7 * calmer
        column += (1.0 - column) * share * raised


def _accents(rng: np.random.Generator, livelier: Curve) -> Curve:
    """Brows that go up for a moment now and then [F]."""
    raised, times_s = np.zeros_like(livelier), frame_times(len(livelier))
    at_s = rng.uniform(0.0, 1.5)
    while at_s < times_s[-1]:
        raised += rng.uniform(0.25, 0.6) * bump(times_s, at_s, 0.15)
        at_s += rng.uniform(0.7, 2.0)
    return np.asarray(livelier * raised.clip(0.0, 0.8), dtype=np.float64)


def _bursts(rng: np.random.Generator, spans: Iterable[Span]) -> Iterable[tuple[float, float, float, float]]:
    """Start, tempo, whole cycles and level of each burst, within the spans."""
    for span in spans:
        at_s = span.start_s + rng.uniform(0.1, 0.25)
        while at_s < span.end_s - _LAST_CYCLE_S:
            tempo_hz = rng.uniform(*_TEMPO_HZ)
            fits = np.ceil((span.end_s - _LAST_CYCLE_S - at_s) * tempo_hz)
            cycles = float(min(rng.integers(2, 4), fits))
            size = (
                rng.uniform(1.0 - _FREEDOM, 1.0 + _FREEDOM) * _USUAL_TEMPO_HZ / tempo_hz
            )  # quick ones are small
            yield at_s, tempo_hz, cycles, span.level * size
            at_s += max(rng.uniform(1.4, 2.0), cycles / tempo_hz + 0.2)


def settle(column: Curve, limit_rad: float) -> Curve:
    """An angle [F] that bends towards a limit instead of passing it."""
    over = (np.abs(column) - 0.6 * limit_rad).clip(0.0) / (0.4 * limit_rad)
    return np.asarray(
        np.sign(column) * (np.minimum(np.abs(column), 0.6 * limit_rad) + 0.4 * limit_rad * np.tanh(over))
    )
