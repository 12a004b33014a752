"""One training example: a few utterances of one voice as recorded, and the face that says them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from models.motion import FRAME_RATE_HZ, INDEX
from training.worlds.speech.life import Accent, Phrase, draw_temper, life_motion
from training.worlds.speech.mouth import draw_style, is_silent, level_db, mouth_motion
from training.worlds.speech.phones import SAMPLE_RATE_HZ, SILENCE, VOWELS, Phone, Utterance
from training.worlds.speech.recording import RecordingConfig, record
from training.worlds.speech.sounds import breath, chords, coloured_noise
from training.worlds.speech.text import draw_sentence
from training.worlds.speech.timbre import change_timbre, draw_timbre
from training.worlds.speech.voices import Split, Voice, draw_delivery, draw_voice, synthesise

SAMPLES_PER_FRAME: Final = SAMPLE_RATE_HZ // FRAME_RATE_HZ
Samples = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """What a clip holds. Shares are probabilities; decibels are differences from the speech's level."""

    split: Split = "train"
    num_frames: int = 200
    recorded_share: float = 0.65
    wordless_share: float = 0.03
    event_share: float = 0.12
    timbre_share: float = 0.75
    breath_share: float = 0.3
    emphasis_db: float = 3.5
    recording: RecordingConfig = field(default_factory=RecordingConfig)

    def __post_init__(self) -> None:
        if self.num_frames < FRAME_RATE_HZ:
            raise ValueError(f"a clip lasts at least a second, not {self.num_frames} frames")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Samples float32 [F * 640] at 16 kHz as recorded, and motion float32 [F, 58] of the face saying them."""

    samples: Samples
    motion: npt.NDArray[np.float32]
    phones: tuple[Phone, ...]
    voice: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Script:
    """Clean speech on the clip's clock, with what surrounds it and is not said."""

    speech: Samples
    events: Samples
    phones: tuple[Phone, ...]
    phrases: list[Phrase]


def generate_clip(seed: int, config: ClipConfig) -> Clip:
    """Make the clip of a seed; the same seed and config give the same clip."""
    rng = np.random.default_rng(seed)
    voice = draw_voice(rng, config.split, config.recorded_share)
    script = _script(rng, voice, config)
    level = level_db(script.speech)
    mouth = mouth_motion(script.phones, level, draw_style(rng), config.num_frames)
    accents = _accents(script, level)
    motion = mouth + life_motion(rng, draw_temper(rng), script.phrases, accents, config.num_frames)
    motion[:, : INDEX["headPitch"]] = motion[:, : INDEX["headPitch"]].clip(0.0, 1.0)
    babble = _babble(rng, config) if rng.random() < 0.1 else None
    return Clip(
        samples=record(rng, script.speech + script.events, config.recording, babble),
        motion=motion.astype(np.float32),
        phones=script.phones,
        voice=voice.name,
        language=voice.language,
    )


def _script(rng: np.random.Generator, voice: Voice, config: ClipConfig) -> _Script:
    count = config.num_frames * SAMPLES_PER_FRAME
    speech, events = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.float32)
    phones: list[Phone] = []
    phrases: list[Phrase] = []
    delivery = draw_delivery(rng)
    wordless = rng.random() < config.wordless_share
    at = int(rng.uniform(-2.0, 1.0) * SAMPLE_RATE_HZ)
    while at < count and not wordless:
        text = draw_sentence(rng, voice.language)
        said = synthesise(voice, text, delivery)
        loud = _emphasise(rng, said, config.emphasis_db)
        begin, end = max(at, 0), min(at + len(loud), count)
        if end > begin:
            speech[begin:end] = loud[begin - at : end - at]
            _place(phones, said.phones, at / SAMPLE_RATE_HZ, count / SAMPLE_RATE_HZ)
            phrases += _phrases(said.phones, at / SAMPLE_RATE_HZ, text.endswith("?"))
        gap = int(
            rng.choice([0.05, 0.3, 0.7, 1.8], p=[0.3, 0.4, 0.2, 0.1]) * rng.uniform(0.5, 1.5) * SAMPLE_RATE_HZ
        )
        _fill_gap(rng, events, max(end, 0), min(max(end, 0) + gap, count), config)
        at += len(loud) + gap
    if wordless:
        _fill_event(rng, events, 0, count)
    if rng.random() < config.timbre_share:
        speech = change_timbre(rng, speech, draw_timbre(rng))
    tiled = _fill_silence(phones, count / SAMPLE_RATE_HZ)
    return _Script(speech=speech, events=events, phones=tiled, phrases=phrases)


def _emphasise(rng: np.random.Generator, said: Utterance, spread_db: float) -> Samples:
    """Impose a loudness of our own, word by word: it must be heard to be followed."""
    duration_s = len(said.samples) / SAMPLE_RATE_HZ
    knots = np.arange(-0.5, duration_s + 1.0, 0.3)
    gains_db = rng.normal(0.0, spread_db, size=len(knots)).clip(-9.0, 7.0)
    times_s = np.arange(len(said.samples)) / SAMPLE_RATE_HZ
    level = 0.1 / max(float(np.sqrt(np.mean(np.square(said.samples)))), 1e-4)
    return np.asarray(
        said.samples * level * 10.0 ** (np.interp(times_s, knots, gains_db) / 20.0), dtype=np.float32
    )


def _place(phones: list[Phone], said: tuple[Phone, ...], at_s: float, limit_s: float) -> None:
    for phone in said:
        start_s, end_s = max(phone.start_s + at_s, 0.0), min(phone.end_s + at_s, limit_s)
        if end_s - start_s > 1e-4 and not is_silent(phone):
            phones.append(Phone(symbol=phone.symbol, start_s=start_s, end_s=end_s))


def _fill_silence(phones: list[Phone], duration_s: float) -> tuple[Phone, ...]:
    out: list[Phone] = []
    cursor = 0.0
    for phone in [*phones, Phone(symbol=SILENCE, start_s=duration_s, end_s=duration_s)]:
        if phone.start_s - cursor > 1e-6:
            out.append(Phone(symbol=SILENCE, start_s=cursor, end_s=phone.start_s))
        if phone.end_s > phone.start_s:
            out.append(phone)
        cursor = phone.end_s
    return tuple(out)


def _phrases(said: tuple[Phone, ...], at_s: float, is_question: bool) -> list[Phrase]:
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


def _fill_gap(rng: np.random.Generator, events: Samples, start: int, end: int, config: ClipConfig) -> None:
    seconds = (end - start) / SAMPLE_RATE_HZ
    if seconds > 0.25 and rng.random() < config.breath_share:
        length = int(min(seconds, rng.uniform(0.25, 0.7)) * SAMPLE_RATE_HZ)
        events[end - length : end] += 0.1 * 10.0 ** (rng.uniform(-30.0, -10.0) / 20.0) * breath(rng, length)
    elif seconds > 0.6 and rng.random() < config.event_share:
        _fill_event(rng, events, start, end)


def _fill_event(rng: np.random.Generator, events: Samples, start: int, end: int) -> None:
    """Noise or music about as loud as speech, while nobody speaks; sometimes digital silence."""
    draw, length = rng.random(), end - start
    if draw < 0.2 or length < 2:
        return
    sound = chords(rng, length) if draw < 0.6 else coloured_noise(rng, length, rng.uniform(0.0, 2.0))
    edge = np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.02 * SAMPLE_RATE_HZ)
    events[start:end] += 0.1 * 10.0 ** (rng.uniform(-15.0, 3.0) / 20.0) * sound * edge.clip(0.0, 1.0)


def _accents(script: _Script, level: Curve) -> list[Accent]:
    """Long, loud vowels are the stressed ones; `level` is the `level_db` of the speech."""
    vowels = [phone for phone in script.phones if phone.symbol in VOWELS]
    if not vowels:
        return []
    rate = len(level) * SAMPLE_RATE_HZ / len(script.speech)
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


def _babble(rng: np.random.Generator, config: ClipConfig) -> Samples:
    """Several other people at once, far away: the face must not follow them."""
    count = config.num_frames * SAMPLES_PER_FRAME
    crowd = np.zeros(count, dtype=np.float32)
    for _ in range(5):
        voice = draw_voice(rng, config.split, 0.3)
        at = 0
        while at < count:
            said = synthesise(voice, draw_sentence(rng, voice.language), draw_delivery(rng)).samples
            piece = said[: count - at]
            crowd[at : at + len(piece)] += piece
            at += len(said)
    return crowd / max(float(np.sqrt(np.mean(np.square(crowd)))), 1e-4)
