"""One training example: a few utterances of one voice as recorded, and the face that says them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from models.motion import FRAME_RATE_HZ, INDEX
from training.worlds.speech.gaps import GapConfig, fill_event, fill_gap
from training.worlds.speech.life import Phrase, draw_temper, life_motion
from training.worlds.speech.mouth import draw_style, level_db, mouth_motion
from training.worlds.speech.phones import SAMPLE_RATE_HZ, Phone
from training.worlds.speech.recording import RecordingConfig, record
from training.worlds.speech.script import accents_of, emphasise, fill_silence, phrases_of, place
from training.worlds.speech.text import draw_sentence
from training.worlds.speech.timbre import change_timbre, draw_timbre
from training.worlds.speech.voices import Split, Voice, draw_delivery, draw_voice, synthesise

SAMPLES_PER_FRAME: Final = SAMPLE_RATE_HZ // FRAME_RATE_HZ
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """What a clip holds. Shares are probabilities; decibels are differences from the speech's level."""

    split: Split = "train"
    num_frames: int = 200
    recorded_share: float = 0.65
    wordless_share: float = 0.03
    timbre_share: float = 0.75
    emphasis_db: float = 3.5
    gaps: GapConfig = field(default_factory=GapConfig)
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
    accents = accents_of(script.phones, level)
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
        loud = emphasise(rng, said, config.emphasis_db)
        begin, end = max(at, 0), min(at + len(loud), count)
        if end > begin:
            speech[begin:end] = loud[begin - at : end - at]
            place(phones, said.phones, at / SAMPLE_RATE_HZ, count / SAMPLE_RATE_HZ)
            phrases += phrases_of(said.phones, at / SAMPLE_RATE_HZ, text.endswith("?"))
        gap = int(
            rng.choice([0.05, 0.3, 0.7, 1.8], p=[0.3, 0.4, 0.2, 0.1]) * rng.uniform(0.5, 1.5) * SAMPLE_RATE_HZ
        )
        fill_gap(rng, events, max(end, 0), min(max(end, 0) + gap, count), config.gaps)
        at += len(loud) + gap
    if wordless:
        fill_event(rng, events, 0, count)
    if rng.random() < config.timbre_share:
        speech = change_timbre(rng, speech, draw_timbre(rng))
    tiled = fill_silence(phones, count / SAMPLE_RATE_HZ)
    return _Script(speech=speech, events=events, phones=tiled, phrases=phrases)


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
