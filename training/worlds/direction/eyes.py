"""Eyes under direction: where they look, how far their lids are shut, blinks and winks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from models.motion import FRAME_RATE_HZ, INDEX
from training.worlds.direction.holding import Hold, frame_times
from training.worlds.speech.curves import Curve, ease, smooth

LOOK_FULL_RAD: Final = np.radians(30.0)  # the angle of a gaze coefficient of one, as in the speech world
SIDES: Final = ("Left", "Right")
_LID_FOLLOWS: Final = 0.35  # how far lids go down with a gaze down
_WIDE_FOLLOWS: Final = 0.2  # and open with a gaze up
_BLINK: Final = 0.5  # lids shut further than this blink
_LARGEST: Final = 0.95  # of a gaze coefficient


class Gaze(NamedTuple):
    """Angles of the line of sight [F] in radians, x to the viewer's right and y down."""

    x: Curve
    y: Curve


def eye_angles(motion: Curve) -> Gaze:
    """Where the eyes of motion [F, 58] point within the head."""
    x = motion[:, INDEX["eyeLookOutLeft"]] - motion[:, INDEX["eyeLookInLeft"]]
    y = motion[:, INDEX["eyeLookDownLeft"]] - motion[:, INDEX["eyeLookUpLeft"]]
    return Gaze(x=x * LOOK_FULL_RAD, y=y * LOOK_FULL_RAD)


def line_of_sight(motion: Curve) -> Gaze:
    """Where the eyes of motion [F, 58] point in the world: with the head's own turn."""
    inside = eye_angles(motion)
    return Gaze(x=inside.x + motion[:, INDEX["headYaw"]], y=inside.y + motion[:, INDEX["headPitch"]])


def point_eyes(motion: Curve, sight: Gaze) -> None:
    """Turn the eyes of motion [F, 58] so that the line of sight is `sight`, whatever the head does."""
    before = eye_angles(motion)
    x = (sight.x - motion[:, INDEX["headYaw"]]) / LOOK_FULL_RAD
    y = (sight.y - motion[:, INDEX["headPitch"]]) / LOOK_FULL_RAD
    x, y = x.clip(-_LARGEST, _LARGEST), y.clip(-_LARGEST, _LARGEST)
    motion[:, INDEX["eyeLookOutLeft"]] = motion[:, INDEX["eyeLookInRight"]] = x.clip(0.0)
    motion[:, INDEX["eyeLookInLeft"]] = motion[:, INDEX["eyeLookOutRight"]] = (-x).clip(0.0)
    higher = (-y).clip(0.0) - (-before.y / LOOK_FULL_RAD).clip(0.0)
    for side in SIDES:
        motion[:, INDEX["eyeLookDown" + side]] = y.clip(0.0)
        motion[:, INDEX["eyeLookUp" + side]] = (-y).clip(0.0)
        motion[:, INDEX["eyeWide" + side]] += _WIDE_FOLLOWS * higher


def shut_lids(motion: Curve, side: str) -> Curve:
    """How far a lid is shut [F] beyond following the gaze down."""
    follows = _LID_FOLLOWS * motion[:, INDEX["eyeLookDown" + side]]
    return np.asarray(((motion[:, INDEX["eyeBlink" + side]] - follows) / (1.0 - follows)).clip(0.0, 1.0))


def set_lids(motion: Curve, side: str, shut: Curve, lowered: Curve) -> None:
    """Shut a lid of motion [F, 58] by `shut` [F], on top of `lowered` [F] and of what follows the gaze."""
    follows = _LID_FOLLOWS * motion[:, INDEX["eyeLookDown" + side]]
    motion[:, INDEX["eyeBlink" + side]] = 1.0 - (1.0 - follows) * (1.0 - shut) * (1.0 - lowered)


def blinks(shut: Curve) -> Iterator[tuple[int, int]]:
    """The first frame and the one after the last of each blink in `shut` [F], with its slopes."""
    moving = np.concatenate(([False], shut > 0.03, [False]))
    edges = np.flatnonzero(moving[1:] != moving[:-1])
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        if shut[first:end].max() > _BLINK:
            yield int(first), int(end)


def blink_rarely(rng: np.random.Generator, shut: Curve, held: Hold) -> Curve:
    """`shut` [F] with few of its blinks left: 4 to 6 a minute at full strength."""
    kept = shut.copy()
    next_s = float(rng.uniform(2.0, 14.0))
    for first, end in blinks(shut):
        at_s, level = first / FRAME_RATE_HZ, held.level[first:end].max()
        if held.presence[(first + end) // 2] < _BLINK:
            continue
        if at_s < next_s:
            kept[first:end] = 0.0
        else:
            next_s = at_s + 60.0 / (rng.uniform(4.0, 6.0) + 7.0 * (1.0 - level))
    return kept


def blink_often(rng: np.random.Generator, shut: Curve, held: Hold) -> Curve:
    """`shut` [F] with many blinks instead of its own: 40 to 60 a minute by level."""
    times_s, lids = frame_times(len(shut)), shut.copy()
    for span in held.spans:
        inside = (times_s >= span.start_s) & (times_s < span.end_s)
        for first, end in blinks(shut):
            if inside[first:end].all():
                lids[first:end] = 0.0
        at_s = span.start_s + rng.uniform(0.15, 0.5)
        while at_s < span.end_s:
            lids = np.maximum(lids, lid(rng, times_s - at_s, rng.uniform(0.02, 0.05)))
            at_s += max(60.0 / (36.0 + 24.0 * span.level) * rng.uniform(0.65, 1.35), 0.4)
    return lids


def winks(rng: np.random.Generator, held: Hold) -> Curve:
    """How far a winking eye is shut [F]: again and again while it is asked for."""
    times_s, shut = frame_times(len(held.level)), np.zeros_like(held.level)
    for span in held.spans:
        at_s = span.start_s + rng.uniform(0.25, 0.4)
        while at_s < span.end_s:
            held_s = rng.uniform(0.2, 0.35)
            shut = np.maximum(shut, (0.6 + 0.4 * span.level) * lid(rng, times_s - at_s, held_s))
            at_s += rng.uniform(1.4, 2.2)
    return shut


def lid(rng: np.random.Generator, since_s: Curve, held_s: float) -> Curve:
    """One blink [F]: shut in about 90 ms, held, open again in about 160 ms."""
    closing, opening = rng.uniform(0.08, 0.11), rng.uniform(0.13, 0.2)
    down = ease((since_s + closing) / closing)
    up = ease((since_s - held_s) / opening)
    return np.asarray(rng.uniform(0.9, 1.0) * (down - up), dtype=np.float64)


def saccade(presence: Curve) -> Curve:
    """The course of the eyes [F] when the head takes the course `presence` [F]: they arrive first."""
    return ease(presence / 0.4)


def fixations(rng: np.random.Generator, num_frames: int, spread_rad: float) -> Curve:
    """One angle [F] of eyes that rest on a face: small jumps between points that they hold."""
    angle, at = np.zeros(num_frames), 0
    while at < num_frames:
        angle[at:] = rng.normal(0.0, spread_rad)
        at += 1 + int(rng.gamma(3.0, 0.3) * FRAME_RATE_HZ)
    return smooth(angle, 0.025)
