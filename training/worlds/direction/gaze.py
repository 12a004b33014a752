"""Gaze under direction: to the viewer, away, up, down, left, right, the head going a little along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from models.motion import INDEX
from training.worlds.direction.eyes import LOOK_FULL_RAD, Gaze, fixations, saccade
from training.worlds.direction.holding import Hold, frame_times, lag
from training.worlds.speech.curves import Curve, smooth

_REST_RAD: Final = 0.012  # how far eyes stray within a face they look at
_HEAD_SHARE: Final = 0.28  # of a directed gaze is done by the head
_REACH: Final = 0.85  # the gaze coefficient of a gaze at full strength

# Towards the character's left and down.
DIRECTIONS: Final[Mapping[str, tuple[float, float]]] = {
    "gaze_up": (0.0, -1.0),
    "gaze_down": (0.0, 1.0),
    "gaze_left": (1.0, 0.0),
    "gaze_right": (-1.0, 0.0),
}


def glance(
    rng: np.random.Generator, motion: Curve, sight: Gaze, aim: tuple[float, float], held: Hold
) -> Gaze:
    """The line of sight with the eyes at `aim`, coefficients to the character's left and down."""
    own = rng.uniform(0.9, 1.1, size=2)
    moved = []
    for course, name, towards, spread in zip(sight, ("headYaw", "headPitch"), aim, own, strict=True):
        head = smooth(motion[:, INDEX[name]], 0.4)
        tremor = fixations(rng, len(course), 2.0 * _REST_RAD)
        target = head + towards * spread * LOOK_FULL_RAD * _aimed(held) + tremor
        moved.append(course + saccade(held.presence) * (target - course))
    return Gaze(*moved)


def aim_at(rng: np.random.Generator, motion: Curve, sight: Gaze, held: Mapping[str, Hold]) -> Gaze:
    """The line of sight under the gaze concepts in force; turns the head of motion [F, 58] along.

    Up or down goes together with left or right.
    """
    for name, (x, y) in DIRECTIONS.items():
        if name in held:
            sight = _look_aside(
                rng, motion, sight, (np.full(len(motion), x), np.full(len(motion), y)), held[name]
            )
    if "gaze_away" in held:
        sight = _look_aside(rng, motion, sight, _elsewhere(rng, len(motion)), held["gaze_away"])
    if "gaze_viewer" in held:
        sight = _look_at_viewer(rng, motion, sight, held["gaze_viewer"])
    return sight


def _look_aside(
    rng: np.random.Generator, motion: Curve, sight: Gaze, towards: tuple[Curve, Curve], held: Hold
) -> Gaze:
    reach = _REACH * LOOK_FULL_RAD * rng.uniform(0.92, 1.08) * held.level
    moved = []
    for course, name, part in zip(sight, ("headYaw", "headPitch"), towards, strict=True):
        if not part.any():
            moved.append(course)
            continue
        head = _HEAD_SHARE * lag(reach * part, 0.08)
        motion[:, INDEX[name]] += head
        rest = smooth(motion[:, INDEX[name]], 0.5) + fixations(rng, len(course), 2.0 * _REST_RAD)
        target = rest + smooth(part, 0.03) * reach
        moved.append(course + saccade(held.presence) * (target - course))
    return Gaze(*moved)


def _look_at_viewer(rng: np.random.Generator, motion: Curve, sight: Gaze, held: Hold) -> Gaze:
    """Eyes rest on the viewer, and the face is turned to them."""
    facing = 1.0 - held.presence * (0.5 + 0.4 * held.level)
    for name in ("headYaw", "headPitch"):
        motion[:, INDEX[name]] *= facing
    rest = [fixations(rng, len(course), _REST_RAD) for course in sight]
    share = saccade(held.presence)
    return Gaze(*(course + share * (still - course) for course, still in zip(sight, rest, strict=True)))


def _elsewhere(rng: np.random.Generator, num_frames: int) -> tuple[Curve, Curve]:
    """Somewhere beside the viewer, and after a while somewhere else: to the character's left, and down."""
    times_s, at_s, side = frame_times(num_frames), 0.0, rng.choice([-1.0, 1.0])
    left, down = np.zeros(num_frames), np.zeros(num_frames)
    while at_s < num_frames:
        left[times_s >= at_s] = side * rng.uniform(0.7, 1.0)
        down[times_s >= at_s] = rng.uniform(-0.2, 0.5)
        side *= rng.choice([-1.0, 1.0], p=[0.3, 0.7])
        at_s += rng.uniform(1.5, 4.0)
    return left, down


def _aimed(held: Hold) -> Curve:
    """The level of a hold as if it were there at once, for eyes that jump to their aim."""
    return np.asarray(np.divide(held.level, held.presence, out=held.level.copy(), where=held.presence > 0.0))
