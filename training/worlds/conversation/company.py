"""The life of a face in company: it speaks, it listens, it waits, and passes smoothly between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from training.worlds.conversation.reactions import Manner, Reaction, agree, before_pauses, react
from training.worlds.speech.curves import Curve, bump, ease, smooth
from training.worlds.speech.life import (
    Accent,
    Phrase,
    Temper,
    blink,
    carry_head,
    gaze,
    nod_along,
    raise_brows,
    set_mood,
    speaking,
    turn_head,
)

_DEGREE: Final = np.pi / 180.0
_TURN_BREAK_S: Final = 1.0
_ATTENTION_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a party says: phrases and accents in order, and when its backchannels begin in seconds.

    The phrases of backchannels are not among `phrases`.
    """

    phrases: tuple[Phrase, ...]
    accents: tuple[Accent, ...]
    agreements_s: tuple[float, ...] = ()


def company_motion(
    rng: np.random.Generator,
    temper: Temper,
    manner: Manner,
    own: Part,
    heard: Part,
    eagerness: Curve,
) -> Curve:
    """Motion [F, 58] of everything but the mouth's speech gestures.

    `eagerness` [F] multiplies the chance that a heard phrase is answered with a nod.
    """
    times_s = np.arange(len(eagerness)) / FRAME_RATE_HZ
    motion = np.zeros((len(eagerness), NUM_MOTION))
    turn = _span(own.phrases, _TURN_BREAK_S, 0.0, times_s)
    attention = (1.0 - turn) * _span(heard.phrases, _ATTENTION_S, 1.0, times_s)
    said = speaking(list(own.phrases), times_s)
    reaction = react(rng, manner, heard.phrases, heard.accents, eagerness * (1.0 - 0.8 * turn), times_s)
    _move_head(motion, rng, temper, own, turn, attention, said, times_s)
    motion[:, INDEX["headPitch"]] += reaction.pitch + agree(rng, manner, own.agreements_s, times_s)
    motion[:, INDEX["headRoll"]] += reaction.roll
    motion[:, INDEX["headZ"]] += reaction.lean
    _prepare(motion, own.phrases, times_s)
    carry_head(motion, rng, temper, times_s)
    gaze(motion, rng, _glances(rng, temper, own, turn, attention, times_s), times_s)
    noticed_s = [phrase.end_s + 0.3 for phrase in before_pauses(heard.phrases)]
    blink(motion, rng, temper, [phrase.end_s for phrase in own.phrases] + noticed_s, times_s)
    raise_brows(motion, rng, temper, list(own.phrases), list(own.accents), times_s)
    set_mood(motion, rng, temper)
    _show(motion, reaction)
    motion[:, : INDEX["headPitch"]] = motion[:, : INDEX["headPitch"]].clip(0.0, 1.0)
    return motion


def turn_starts(phrases: Sequence[Phrase]) -> list[float]:
    """The seconds at which a party begins to speak after a silence."""
    ends_s = [-np.inf, *(phrase.end_s for phrase in phrases)]
    return [
        p.start_s for p, end_s in zip(phrases, ends_s, strict=False) if p.start_s - end_s >= _TURN_BREAK_S
    ]


def _span(phrases: Sequence[Phrase], bridge_s: float, after_s: float, times_s: Curve) -> Curve:
    """How much a party holds the floor [F], 0 to 1: through pauses up to `bridge_s`, and `after_s` longer."""
    inside = np.zeros_like(times_s)
    for phrase, next_s in _with_next(phrases):
        end_s = next_s if next_s - phrase.end_s < bridge_s else phrase.end_s + after_s
        inside[(times_s >= phrase.start_s) & (times_s <= end_s)] = 1.0
    return smooth(inside, 0.3)


def _move_head(
    motion: Curve,
    rng: np.random.Generator,
    temper: Temper,
    own: Part,
    turn: Curve,
    attention: Curve,
    said: Curve,
    times_s: Curve,
) -> None:
    """Lively while speaking, quiet while listening, a slow drift while nothing happens."""
    slow = 0.45 + 0.55 * turn + 0.3 * (1.0 - turn) * (1.0 - attention)
    quick = 0.06 + 0.29 * turn + 0.65 * said
    attitudes = iter(_attitudes(rng, own.phrases, turn, attention, times_s))
    turn_head(motion, rng, temper, slow, quick, lambda: next(attitudes))
    nod_along(motion, rng, temper, list(own.accents), times_s)


def _attitudes(
    rng: np.random.Generator, phrases: Sequence[Phrase], turn: Curve, attention: Curve, times_s: Curve
) -> Curve:
    """Where the head rests [3, F], pitch, yaw and roll: new at some own phrases, and now and then besides."""
    moves: list[tuple[float, float, Curve]] = [
        (phrase.start_s - 0.1, 0.6, np.ones(3)) for phrase in phrases if rng.random() < 0.6
    ]
    at_s = float(rng.uniform(-3.0, 5.0))
    while at_s < times_s[-1]:
        frame = max(int(at_s * FRAME_RATE_HZ), 0)
        reach = np.array([0.4, 0.5, 1.1]) if attention[frame] > 0.5 else np.array([0.7, 1.3, 0.8])
        if turn[frame] < 0.5:
            moves.append((at_s, float(rng.uniform(0.8, 1.6)), reach))
        at_s += float(rng.uniform(3.0, 8.0))
    rest = rng.normal(0.0, 0.5, size=(3, 1))
    out = np.repeat(rest, len(times_s), axis=1)
    for start_s, width_s, reach in sorted(moves, key=lambda move: move[0]):
        target = reach[:, None] * rng.normal(size=(3, 1))
        out += (target - rest) * ease((times_s - start_s) / width_s)
        rest = target
    return out


def _prepare(motion: Curve, phrases: Sequence[Phrase], times_s: Curve) -> None:
    """Rise a little and breathe in before taking the turn."""
    for start_s in turn_starts(phrases):
        cue = bump(times_s, start_s - 0.15, 0.15)
        motion[:, INDEX["headPitch"]] -= 0.9 * _DEGREE * cue
        motion[:, INDEX["headY"]] -= 0.015 * cue
        motion[:, INDEX["browInnerUp"]] += 0.08 * cue


def _glances(
    rng: np.random.Generator, temper: Temper, own: Part, turn: Curve, attention: Curve, times_s: Curve
) -> list[tuple[float, float]]:
    """When the eyes may leave the viewer: at own phrases, rarely while listening, often when alone."""
    inner = [phrase for phrase in own.phrases if phrase not in _turn_ends(own.phrases)]
    moments = [phrase.end_s for phrase in inner] + [phrase.start_s - 0.2 for phrase in own.phrases]
    glances = [(moment_s, 0.5 * temper.aversion) for moment_s in moments]
    at_s = float(rng.uniform(0.0, 2.0))
    while at_s < times_s[-1]:
        frame = int(at_s * FRAME_RATE_HZ)
        if turn[frame] < 0.5:
            glances.append(
                (at_s, 0.15 * temper.aversion if attention[frame] > 0.5 else 0.35 + temper.aversion)
            )
        at_s += float(rng.uniform(1.2, 3.2))
    return glances


def _turn_ends(phrases: Sequence[Phrase]) -> list[Phrase]:
    return [phrase for phrase, next_s in _with_next(phrases) if next_s - phrase.end_s >= _TURN_BREAK_S]


def _with_next(phrases: Sequence[Phrase]) -> list[tuple[Phrase, float]]:
    """Each phrase and the seconds at which the one after it begins."""
    return list(zip(phrases, [*(phrase.start_s for phrase in phrases[1:]), np.inf], strict=False))


def _show(motion: Curve, reaction: Reaction) -> None:
    """Put the reaction's brows and smile on the face."""
    motion[:, INDEX["browInnerUp"]] += reaction.raised
    for side, share in (("Left", 0.72), ("Right", 0.66)):
        motion[:, INDEX["browOuterUp" + side]] += share * reaction.raised
        motion[:, INDEX["eyeWide" + side]] += 0.2 * reaction.raised
    for side in ("Left", "Right"):
        motion[:, INDEX["mouthSmile" + side]] += reaction.smile
        motion[:, INDEX["cheekSquint" + side]] += 0.5 * reaction.smile
        motion[:, INDEX["eyeSquint" + side]] += 0.3 * reaction.smile
