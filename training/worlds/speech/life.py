"""What a face does besides speaking: head, blinks, gaze, brows, mood and breath, at 25 fps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from training.worlds.speech.curves import Curve, bump, ease, smooth, wander

_DEGREE: Final = np.pi / 180.0
_LOOK_FULL_RAD: Final = 30.0 * _DEGREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A stretch of speech without a pause, in seconds, and whether it asks something."""

    start_s: float
    end_s: float
    is_question: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Accent:
    """A stressed vowel: its middle in seconds and its strength in 0..1."""

    at_s: float
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """How lively one person is; angles in degrees, times in seconds."""

    head_deg: float
    nod_deg: float
    brow: float
    blink_interval_s: float
    smile: float
    aversion: float
    breath_period_s: float


def draw_temper(rng: np.random.Generator) -> Temper:
    """Draw a person."""
    return Temper(
        head_deg=float(rng.uniform(1.2, 3.6)),
        nod_deg=float(rng.uniform(0.6, 2.6)),
        brow=float(rng.uniform(0.1, 0.45)),
        blink_interval_s=float(rng.uniform(2.4, 5.0)),
        smile=float(max(rng.normal(0.03, 0.07), 0.0)),
        aversion=float(rng.uniform(0.1, 0.5)),
        breath_period_s=float(rng.uniform(3.0, 5.0)),
    )


def life_motion(
    rng: np.random.Generator, temper: Temper, phrases: list[Phrase], accents: list[Accent], num_frames: int
) -> Curve:
    """Motion [F, 58] of everything but the mouth's speech gestures; smiles are left to be added to them."""
    times_s = np.arange(num_frames) / FRAME_RATE_HZ
    motion = np.zeros((num_frames, NUM_MOTION))
    quick = 0.35 + 0.65 * speaking(phrases, times_s)
    turn_head(motion, rng, temper, 1.0, quick, lambda: _phrase_steps(rng, phrases, times_s))
    nod_along(motion, rng, temper, accents, times_s)
    carry_head(motion, rng, temper, times_s)
    pauses = [phrase.end_s for phrase in phrases] + [phrase.start_s - 0.2 for phrase in phrases]
    gaze(motion, rng, [(pause_s, 0.5 * temper.aversion) for pause_s in pauses], times_s)
    blink(motion, rng, temper, [phrase.end_s for phrase in phrases], times_s)
    raise_brows(motion, rng, temper, phrases, accents, times_s)
    set_mood(motion, rng, temper)
    motion[:, : INDEX["headPitch"]] = motion[:, : INDEX["headPitch"]].clip(0.0, 1.0)
    return motion


def turn_head(
    motion: Curve,
    rng: np.random.Generator,
    temper: Temper,
    slow: Curve | float,
    quick: Curve | float,
    draw_attitude: Callable[[], Curve],
) -> None:
    """Turn the head of `motion` [F, 58]: drifting, trembling, and taking an attitude, each scaled [F].

    `draw_attitude` is asked once per axis for a curve [F], about one unit large.
    """
    scale = temper.head_deg * _DEGREE
    for name, share, turn in (("headPitch", 0.8, 0.5), ("headYaw", 1.2, 1.2), ("headRoll", 0.6, 0.6)):
        drift = slow * wander(rng, len(motion), 1.1)
        tremble = quick * wander(rng, len(motion), 0.28)
        motion[:, INDEX[name]] = scale * (
            share * (0.6 * drift + 0.35 * tremble) + 0.6 * turn * draw_attitude()
        )


def nod_along(
    motion: Curve, rng: np.random.Generator, temper: Temper, accents: list[Accent], times_s: Curve
) -> None:
    """Dip the head at the speaker's own accents."""
    for accent in accents:
        if rng.random() < 0.75:
            size = accent.strength * temper.nod_deg * _DEGREE * rng.uniform(0.4, 1.2)
            motion[:, INDEX["headPitch"]] += size * bump(times_s, accent.at_s + rng.normal(0.03, 0.04), 0.11)


def carry_head(motion: Curve, rng: np.random.Generator, temper: Temper, times_s: Curve) -> None:
    """Keep the head within what a neck does, and move it with its turns, with breath, and a little anyway."""
    for name in ("headPitch", "headYaw", "headRoll"):
        limit = 15.0 * _DEGREE
        motion[:, INDEX[name]] = limit * np.tanh(motion[:, INDEX[name]] / limit)
    breath = np.sin(2 * np.pi * times_s / temper.breath_period_s + rng.uniform(0, 6.3))
    motion[:, INDEX["headX"]] += 0.03 * wander(rng, len(times_s), 1.2) + 0.25 * motion[:, INDEX["headYaw"]]
    motion[:, INDEX["headY"]] += 0.012 * breath + 0.015 * wander(rng, len(times_s), 1.0)
    motion[:, INDEX["headY"]] += 0.2 * motion[:, INDEX["headPitch"]]
    motion[:, INDEX["headZ"]] += 0.04 * wander(rng, len(times_s), 1.4)


def gaze(motion: Curve, rng: np.random.Generator, glances: list[tuple[float, float]], times_s: Curve) -> None:
    """Look at the viewer in fixations with tiny saccades, whatever the head does, and away at times.

    `glances` are moments in seconds at which to look away, each with its probability.
    """
    x, y = np.zeros_like(times_s), np.zeros_like(times_s)
    at_s = 0.0
    while at_s < times_s[-1]:
        x[times_s >= at_s], y[times_s >= at_s] = rng.normal(0.0, 0.018, size=2)
        at_s += float(rng.gamma(3.0, 0.3))
    for moment_s, chance in glances:
        if rng.random() < chance:
            start_s = moment_s + rng.normal(0.0, 0.15)
            away = (times_s >= start_s) & (times_s < start_s + rng.uniform(0.35, 1.3))
            x[away], y[away] = rng.normal(0.0, 0.16), rng.normal(0.04, 0.12)
    pitch, yaw = motion[:, INDEX["headPitch"]], motion[:, INDEX["headYaw"]]
    _look(motion, smooth(x, 0.025) - yaw, smooth(y, 0.025) - pitch)


def _look(motion: Curve, x: Curve, y: Curve) -> None:
    """x > 0 to the viewer's right (the subject's left), y > 0 down."""
    x, y = x / _LOOK_FULL_RAD, y / _LOOK_FULL_RAD
    motion[:, INDEX["eyeLookOutLeft"]] = motion[:, INDEX["eyeLookInRight"]] = x.clip(0.0, 1.0)
    motion[:, INDEX["eyeLookInLeft"]] = motion[:, INDEX["eyeLookOutRight"]] = (-x).clip(0.0, 1.0)
    for side in ("Left", "Right"):
        motion[:, INDEX["eyeLookDown" + side]] = y.clip(0.0, 1.0)
        motion[:, INDEX["eyeLookUp" + side]] = (-y).clip(0.0, 1.0)
        motion[:, INDEX["eyeBlink" + side]] += 0.35 * y.clip(0.0, 1.0)
        motion[:, INDEX["eyeWide" + side]] += 0.2 * (-y).clip(0.0, 1.0)


def blink(
    motion: Curve, rng: np.random.Generator, temper: Temper, ends_s: list[float], times_s: Curve
) -> None:
    """Blink every few seconds, and more often at `ends_s`, where a phrase ends."""
    moments: list[float] = []
    at_s = float(rng.uniform(0.0, temper.blink_interval_s))
    while at_s < times_s[-1] + 1.0:
        moments.append(at_s)
        at_s += max(float(temper.blink_interval_s * np.exp(rng.normal(-0.1, 0.45))), 0.8)
    moments += [end_s + rng.uniform(-0.05, 0.25) for end_s in ends_s if rng.random() < 0.4]
    moments += [moment + rng.uniform(0.3, 0.45) for moment in moments if rng.random() < 0.07]
    lids = np.zeros_like(times_s)
    previous_s = -1.0
    for moment in sorted(moments):
        if moment - previous_s >= 0.28:
            lids = np.maximum(lids, _lid(rng, times_s - moment))
            previous_s = moment
    for side in ("Left", "Right"):
        open_part = motion[:, INDEX["eyeBlink" + side]]
        motion[:, INDEX["eyeBlink" + side]] = np.maximum(open_part, lids)


def _lid(rng: np.random.Generator, since_s: Curve) -> Curve:
    """One blink: shut in about 90 ms, held for a moment, open again in about 170 ms."""
    closing, held, opening = rng.uniform(0.07, 0.11), rng.uniform(0.03, 0.06), rng.uniform(0.13, 0.22)
    depth = rng.uniform(0.85, 1.0)
    down = ease((since_s + closing) / closing)
    up = ease((since_s - held) / opening)
    return np.asarray(depth * (down - up), dtype=np.float64)


def raise_brows(
    motion: Curve,
    rng: np.random.Generator,
    temper: Temper,
    phrases: list[Phrase],
    accents: list[Accent],
    times_s: Curve,
) -> None:
    """Move the brows with the speaker's own accents and questions."""
    raised = 0.04 * temper.brow * (1.0 + wander(rng, len(times_s), 0.8))
    lowered = np.zeros_like(times_s)
    for accent in accents:
        draw = rng.random()
        if draw < 0.3:
            raised += temper.brow * accent.strength * rng.uniform(0.4, 1.0) * bump(times_s, accent.at_s, 0.16)
        elif draw < 0.42:
            lowered += 0.6 * temper.brow * accent.strength * bump(times_s, accent.at_s, 0.18)
    for phrase in phrases:
        if phrase.is_question:
            start_s = max(phrase.end_s - rng.uniform(0.5, 1.0), phrase.start_s)
            rise = ease((times_s - start_s) / 0.25) - ease((times_s - phrase.end_s - 0.15) / 0.5)
            raised += temper.brow * rng.uniform(0.5, 1.2) * rise
    raised, lowered = raised.clip(0.0, 0.9), lowered.clip(0.0, 0.6)
    motion[:, INDEX["browInnerUp"]] += raised
    for side in ("Left", "Right"):
        motion[:, INDEX["browOuterUp" + side]] += raised * rng.uniform(0.55, 0.85)
        motion[:, INDEX["browDown" + side]] += lowered
        motion[:, INDEX["eyeSquint" + side]] += 0.3 * lowered
        motion[:, INDEX["eyeWide" + side]] += 0.2 * raised


def set_mood(motion: Curve, rng: np.random.Generator, temper: Temper) -> None:
    """Wear the person's usual smile, which comes and goes."""
    smile = temper.smile * (1.0 + 0.5 * wander(rng, len(motion), 1.6)).clip(0.0, 2.0)
    skew = rng.normal(0.0, 0.08)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        motion[:, INDEX["mouthSmile" + side]] += smile * (1.0 + sign * skew)
        motion[:, INDEX["cheekSquint" + side]] += 0.5 * smile
        motion[:, INDEX["eyeSquint" + side]] += 0.3 * smile


def speaking(phrases: list[Phrase], times_s: Curve, width_s: float = 0.25) -> Curve:
    """How much is being said [F], 0 to 1, with soft edges."""
    inside = np.zeros_like(times_s)
    for phrase in phrases:
        inside[(times_s >= phrase.start_s) & (times_s <= phrase.end_s)] = 1.0
    return smooth(inside, width_s)


def _phrase_steps(rng: np.random.Generator, phrases: list[Phrase], times_s: Curve) -> Curve:
    """A new attitude of the head at some phrases, reached in half a second."""
    steps = np.full_like(times_s, rng.normal(0.0, 0.5))
    for phrase in phrases:
        if rng.random() < 0.6:
            steps[times_s >= phrase.start_s - 0.1] = rng.normal(0.0, 1.0)
    return smooth(steps, 0.22)
