"""What a listener does about what it hears: nods, brows, tilts, leans and smiles, each with its delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from models.motion import FRAME_RATE_HZ
from training.worlds.speech.curves import Curve, bump, plateau
from training.worlds.speech.life import Accent, Phrase

_DEGREE: Final = np.pi / 180.0
_SHORTEST_PAUSE_S: Final = 0.2
_STRONG: Final = 0.6
_CALM_SHARE: Final = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one person listens; shares are probabilities per occasion, angles in degrees."""

    nod_share: float
    nod_deg: float
    small_nod_share: float
    brow_share: float
    brow: float
    tilt_deg: float
    smile_share: float
    smile: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Curves [F] to be added: pitch and roll in radians, `lean` in eye distances, coefficients 0..1."""

    pitch: Curve
    roll: Curve
    lean: Curve
    raised: Curve
    smile: Curve


def draw_manner(rng: np.random.Generator) -> Manner:
    """Draw a listener: most are calm, the others show what they think."""
    if rng.random() < _CALM_SHARE:
        return Manner(
            nod_share=float(rng.uniform(0.82, 0.95)),
            nod_deg=float(rng.uniform(3.2, 4.8)),
            small_nod_share=0.08,
            brow_share=0.3,
            brow=float(rng.uniform(0.12, 0.3)),
            tilt_deg=float(rng.uniform(1.0, 3.0)),
            smile_share=float(rng.uniform(0.02, 0.08)),
            smile=float(rng.uniform(0.12, 0.25)),
        )
    return Manner(
        nod_share=float(rng.uniform(0.9, 1.0)),
        nod_deg=float(rng.uniform(4.2, 6.2)),
        small_nod_share=0.14,
        brow_share=0.45,
        brow=float(rng.uniform(0.3, 0.6)),
        tilt_deg=float(rng.uniform(2.5, 6.0)),
        smile_share=float(rng.uniform(0.1, 0.25)),
        smile=float(rng.uniform(0.25, 0.45)),
    )


def before_pauses(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Those phrases after which nothing is said for long enough that a listener notices."""
    last = phrases[-1:]
    return [a for a, b in pairwise(phrases) if b.start_s - a.end_s >= _SHORTEST_PAUSE_S] + list(last)


def react(
    rng: np.random.Generator,
    manner: Manner,
    phrases: Sequence[Phrase],
    accents: Sequence[Accent],
    readiness: Curve,
    times_s: Curve,
) -> Reaction:
    """React to what another says; `readiness` [F] multiplies the chance of a nod at each frame.

    All reactions begin 0.3 to 0.5 s after their cause.
    """
    still = np.zeros_like(times_s)
    reaction = Reaction(
        pitch=still.copy(), roll=still.copy(), lean=still.copy(), raised=still.copy(), smile=still.copy()
    )
    free_s = -np.inf
    for phrase in before_pauses(phrases):
        start_s = phrase.end_s + rng.uniform(0.36, 0.5)
        if rng.random() < manner.nod_share * _at(readiness, start_s) and start_s > free_s:
            free_s = start_s + _nod_at_end(rng, manner, phrase, start_s, reaction.pitch, times_s)
        if phrase.is_question:
            _wonder(rng, manner, start_s, reaction, times_s)
        if rng.random() < manner.smile_share:
            reaction.smile[:] += manner.smile * _held(rng, start_s, 1.0, 2.6, times_s)
    _follow_accents(rng, manner, accents, readiness, reaction, times_s)
    return reaction


def agree(rng: np.random.Generator, manner: Manner, starts_s: Sequence[float], times_s: Curve) -> Curve:
    """Pitch [F] of the nods that go with one's own "yes" and "mm-hm"."""
    pitch = np.zeros_like(times_s)
    for start_s in starts_s:
        if rng.random() < 0.85:
            size = manner.nod_deg * _DEGREE * rng.uniform(0.6, 1.0)
            at_s, cycles = start_s + rng.uniform(-0.08, 0.1), int(rng.integers(1, 3))
            pitch += size * nod(times_s, at_s, cycles, rng.uniform(0.35, 0.5))
    return pitch


def nod(times_s: Curve, start_s: float, cycles: int, period_s: float) -> Curve:
    """Down and back `cycles` times, each a little less deep; the first reaches about one."""
    phase = (times_s - start_s) / period_s
    moving = (phase > 0.0) & (phase < cycles)
    fading = 1.0 - 0.4 * (phase / cycles).clip(0.0, 1.0)
    return np.asarray(moving * fading * 0.5 * (1.0 - np.cos(2.0 * np.pi * phase)), dtype=np.float64)


def _nod_at_end(
    rng: np.random.Generator, manner: Manner, phrase: Phrase, start_s: float, pitch: Curve, times_s: Curve
) -> float:
    """Nod after a phrase, deeper and oftener after a long one; return the seconds it takes."""
    length = float(np.clip((phrase.end_s - phrase.start_s) / 2.5, 0.3, 1.0))
    cycles = int(rng.choice(3, p=(0.35, 0.5, 0.15) if length > 0.5 else (0.6, 0.35, 0.05))) + 1
    period_s = float(rng.uniform(0.4, 0.5))
    size = manner.nod_deg * _DEGREE * (0.6 + 0.4 * length) * rng.uniform(0.8, 1.15)
    pitch[:] += size * nod(times_s, start_s, cycles, period_s)
    return cycles * period_s


def _wonder(
    rng: np.random.Generator, manner: Manner, start_s: float, reaction: Reaction, times_s: Curve
) -> None:
    """Raise the brows, tilt and come closer: something was asked."""
    held = _held(rng, start_s, 0.8, 1.6, times_s)
    side = 1.0 if rng.random() < 0.5 else -1.0
    reaction.raised[:] += 1.3 * manner.brow * rng.uniform(0.7, 1.2) * held
    reaction.roll[:] += side * manner.tilt_deg * _DEGREE * rng.uniform(0.5, 1.1) * held
    reaction.lean[:] -= rng.uniform(0.03, 0.1) * held


def _follow_accents(
    rng: np.random.Generator,
    manner: Manner,
    accents: Sequence[Accent],
    readiness: Curve,
    reaction: Reaction,
    times_s: Curve,
) -> None:
    """Small answers to the words that were stressed most, not to all of them."""
    previous_s = -np.inf
    for accent in accents:
        if accent.strength < _STRONG or accent.at_s - previous_s < 0.9:
            continue
        previous_s = accent.at_s
        at_s = accent.at_s + rng.uniform(0.3, 0.5)
        if rng.random() < manner.small_nod_share * _at(readiness, at_s):
            size = manner.nod_deg * _DEGREE * rng.uniform(0.25, 0.45)
            reaction.pitch[:] += size * nod(times_s, at_s, 1, rng.uniform(0.4, 0.55))
        if rng.random() < manner.brow_share:
            reaction.raised[:] += manner.brow * rng.uniform(0.5, 1.1) * bump(times_s, at_s + 0.15, 0.16)


def _held(
    rng: np.random.Generator, start_s: float, shortest_s: float, longest_s: float, times_s: Curve
) -> Curve:
    end_s = start_s + rng.uniform(shortest_s, longest_s)
    return plateau(times_s, start_s, end_s, rng.uniform(0.3, 0.5), rng.uniform(0.5, 0.9))


def _at(curve: Curve, moment_s: float) -> float:
    return float(curve[int(np.clip(moment_s * FRAME_RATE_HZ, 0, len(curve) - 1))])
