"""Utterances laid out on a clip's clock: how loud each word is, which phones, phrases and accents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.worlds.speech.life import Accent, Phrase
from training.worlds.speech.mouth import is_silent
from training.worlds.speech.phones import SAMPLE_RATE_HZ, SILENCE, VOWELS, Phone, Utterance

Samples = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]


def emphasise(rng: np.random.Generator, said: Utterance, spread_db: float) -> Samples:
    """Impose a loudness of our own, word by word: it must be heard to be followed."""
    duration_s = len(said.samples) / SAMPLE_RATE_HZ
    knots = np.arange(-0.5, duration_s + 1.0, 0.3)
    gains_db = rng.normal(0.0, spread_db, size=len(knots)).clip(-9.0, 7.0)
    times_s = np.arange(len(said.samples)) / SAMPLE_RATE_HZ
    level = 0.1 / max(float(np.sqrt(np.mean(np.square(said.samples)))), 1e-4)
    return np.asarray(
        said.samples * level * 10.0 ** (np.interp(times_s, knots, gains_db) / 20.0), dtype=np.float32
    )


def place(phones: list[Phone], said: tuple[Phone, ...], at_s: float, limit_s: float) -> None:
    """Append the sounding phones of an utterance that begins at `at_s`, cut to 0..limit."""
    for phone in said:
        start_s, end_s = max(phone.start_s + at_s, 0.0), min(phone.end_s + at_s, limit_s)
        if end_s - start_s > 1e-4 and not is_silent(phone):
            phones.append(Phone(symbol=phone.symbol, start_s=start_s, end_s=end_s))


def fill_silence(phones: list[Phone], duration_s: float) -> tuple[Phone, ...]:
    """Tile 0..duration with the phones, in order of time, and silence between them."""
    out: list[Phone] = []
    cursor = 0.0
    for phone in [*phones, Phone(symbol=SILENCE, start_s=duration_s, end_s=duration_s)]:
        if phone.start_s - cursor > 1e-6:
            out.append(Phone(symbol=SILENCE, start_s=cursor, end_s=phone.start_s))
        if phone.end_s > phone.start_s:
            out.append(phone)
        cursor = phone.end_s
    return tuple(out)


def phrases_of(said: tuple[Phone, ...], at_s: float, is_question: bool) -> list[Phrase]:
    """The stretches of an utterance between its pauses; only the last can be the question."""
    spans: list[tuple[float, float]] = []
    for phone in said:
        if is_silent(phone):
            continue
        if spans and phone.start_s - spans[-1][1] < 0.08:
            spans[-1] = (spans[-1][0], phone.end_s)
        else:
            spans.append((phone.start_s, phone.end_s))
    return [
        Phrase(start_s=start_s + at_s, end_s=end_s + at_s, is_question=is_question and k == len(spans) - 1)
        for k, (start_s, end_s) in enumerate(spans)
    ]


def accents_of(phones: Sequence[Phone], level: Curve) -> list[Accent]:
    """Long, loud vowels are the stressed ones; `level` is the `level_db` of the speech that they tile."""
    vowels = [phone for phone in phones if phone.symbol in VOWELS]
    if not vowels:
        return []
    rate = len(level) / phones[-1].end_s
    middles = [0.5 * (phone.start_s + phone.end_s) for phone in vowels]
    loudness = np.array([level[min(int(middle * rate), len(level) - 1)] for middle in middles])
    lengths = np.array([phone.end_s - phone.start_s for phone in vowels])
    score = (loudness - np.median(loudness)) / 6.0 + (lengths - np.median(lengths)) / 0.06
    strengths = (score / 2.5).clip(0.0, 1.0)
    accents: list[Accent] = []
    for middle, strength in zip(middles, strengths.tolist(), strict=True):
        if strength > 0.25 and (not accents or middle - accents[-1].at_s > 0.25):
            accents.append(Accent(at_s=middle, strength=strength))
    return accents
