"""Who speaks in the synthetic world, and which voices are kept away from training."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import numpy as np
from scipy.signal import resample_poly

from training.worlds.speech import espeak, flite
from training.worlds.speech.phones import SAMPLE_RATE_HZ, Utterance, tile

Split = Literal["train", "heldout"]
Engine = Literal["espeak", "flite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One speaker: the synthesiser, its name for the voice, and the language of the text to give it."""

    engine: Engine
    name: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a voice speaks: durations times `stretch`, pitch in 0..1 of its range, vocal tract length.

    `tract` multiplies every resonance and the pitch: 0.85 sounds larger, 1.2 smaller.
    """

    stretch: float
    pitch: float
    liveliness: float
    tract: float


_FLITE_TRAIN: Final = ("awb", "slt", "kal16")
_FLITE_HELDOUT: Final = ("rms",)
_LANGUAGES_TRAIN: Final = (
    "en-us", "en-us", "en-us", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc",
    "de", "de", "fr-be", "fr-ch", "es", "es-419", "it", "pt-br", "pl", "ru", "tr", "ja", "ja", "hi",
    "cmn-latn-pinyin", "cmn-latn-pinyin", "sv", "fi", "el", "id",
)  # fmt: skip
_LANGUAGES_HELDOUT: Final = ("en-us", "en-gb-x-gbclan", "de", "nl")
_VARIANTS_TRAIN: Final = (
    "f1", "f2", "f4", "f5", "m1", "m2", "m3", "m5", "m6", "m7", "m8", "Alex", "Alicia", "Andrea", "Andy",
    "Annie", "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "Denis", "Diogo",
    "ed", "edward", "Gene", "grandma", "grandpa", "gustave", "Henrique", "Hugo", "iven", "jacky", "john",
    "kaukovalta", "klatt", "klatt2", "klatt4", "Lee", "linda", "marcelo", "Marco", "Mario", "max", "Michel",
    "Miguel", "mike", "Nguyen", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro",
    "shelby", "steph2", "Storm", "travis", "victor", "zac", "whisper",
)  # fmt: skip
_VARIANTS_HELDOUT: Final = ("f3", "m4", "adam", "steph", "michael", "klatt3")
_FLITE_PITCH_HZ: Final[dict[str, float]] = {"awb": 130.0, "slt": 190.0, "kal16": 105.0, "rms": 105.0}


def voices(split: Split) -> tuple[Voice, ...]:
    """Every voice of a split; no voice, variant or recorded speaker is in both."""
    recorded = _FLITE_TRAIN if split == "train" else _FLITE_HELDOUT
    languages = _LANGUAGES_TRAIN if split == "train" else _LANGUAGES_HELDOUT
    variants = _VARIANTS_TRAIN if split == "train" else _VARIANTS_HELDOUT
    formant = tuple(
        Voice(engine="espeak", name=f"{language}+{variant}", language=language)
        for language in languages
        for variant in variants
    )
    return tuple(Voice(engine="flite", name=name, language="en-us") for name in recorded) + formant


def draw_voice(rng: np.random.Generator, split: Split, recorded_share: float) -> Voice:
    """Draw a voice; `recorded_share` of the draws are flite's recorded speakers."""
    wanted: Engine = "flite" if rng.random() < recorded_share else "espeak"
    candidates = [voice for voice in voices(split) if voice.engine == wanted]
    return candidates[int(rng.integers(len(candidates)))]


def draw_delivery(rng: np.random.Generator) -> Delivery:
    """Draw a way of speaking that suits any voice."""
    return Delivery(
        stretch=float(np.exp(rng.normal(0.0, 0.16)).clip(0.72, 1.5)),
        pitch=float(rng.beta(2.0, 2.0)),
        liveliness=float(rng.beta(2.5, 1.8)),
        tract=float(np.exp(rng.normal(0.0, 0.1)).clip(0.8, 1.28)),
    )


def synthesise(voice: Voice, text: str, delivery: Delivery) -> Utterance:
    """Say `text`. Raises ValueError when the synthesiser knows no such voice or makes no sound."""
    if voice.engine == "flite":
        pitch_hz = _FLITE_PITCH_HZ[voice.name] * 2.0 ** (delivery.pitch - 0.5)
        samples, rate_hz, spans = flite.speak(
            voice.name, text, stretch=delivery.stretch * delivery.tract, pitch_hz=pitch_hz
        )
    else:
        samples, rate_hz, spans = espeak.speak(
            voice.name,
            text,
            rate_wpm=int(np.clip(165.0 / (delivery.stretch * delivery.tract), 90, 320)),
            pitch=int(15 + 70 * delivery.pitch),
            pitch_range=int(20 + 70 * delivery.liveliness),
        )
    if len(samples) < rate_hz // 20:
        raise ValueError(f"{voice.name!r} made no sound of {text!r}")
    ratio = Fraction(SAMPLE_RATE_HZ / (rate_hz * delivery.tract)).limit_denominator(150)
    resampled = resample_poly(samples, ratio.numerator, ratio.denominator).astype(np.float32)
    scale = float(ratio) * rate_hz / SAMPLE_RATE_HZ
    phones = tile(
        [(symbols, start_s * scale, end_s * scale) for symbols, start_s, end_s in spans],
        len(resampled) / SAMPLE_RATE_HZ,
    )
    return Utterance(samples=resampled, phones=phones, voice=voice.name, language=voice.language)
