"""Who talks: a voice with its delivery and timbre, and the lines it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.worlds.speech import SAMPLE_RATE_HZ, Delivery, Voice, draw_delivery, draw_voice, synthesise
from training.worlds.speech.clip import ClipConfig
from training.worlds.speech.life import Phrase
from training.worlds.speech.mouth import is_silent
from training.worlds.speech.phones import Phone
from training.worlds.speech.script import emphasise, phrases_of
from training.worlds.speech.text import draw_sentence
from training.worlds.speech.timbre import Timbre, draw_timbre

Samples = npt.NDArray[np.float32]

# What a listener says to show that it listens, by espeak-ng language; all others say the English ones.
_BACKCHANNELS: Final[dict[str, tuple[str, ...]]] = {
    "en-us": ("Um-hum.", "Uh-huh.", "Yeah.", "Right.", "Okay.", "I see.", "Sure.", "Yes."),
    "de": ("Ja.", "Genau.", "Ach so.", "Aha.", "Gut."),
    "fr-be": ("Oui.", "D'accord.", "Ah bon.", "Voilà."),
    "es": ("Sí.", "Claro.", "Ya.", "Vale."),
    "it": ("Sì.", "Certo.", "Ah ecco.", "Va bene."),
    "pt-br": ("Sim.", "Claro.", "Pois é.", "Está bem."),
    "pl": ("Tak.", "No tak.", "Aha.", "Dobrze."),
    "ru": ("Да.", "Угу.", "Ага.", "Понятно."),
    "tr": ("Evet.", "Tamam.", "Tabii."),
    "ja": ("はい。", "うん。", "ええ。", "そうですか。"),
    "hi": ("हाँ।", "जी।", "अच्छा।"),
    "cmn-latn-pinyin": ("en5.", "dui4.", "hao3.", "shi4 a5."),
    "sv": ("Ja.", "Just det.", "Okej."),
    "fi": ("Joo.", "Niin.", "Aivan."),
    "el": ("Ναι.", "Μάλιστα.", "Ωραία."),
    "id": ("Ya.", "Baik.", "Oh begitu."),
    "nl": ("Ja.", "Precies.", "Oké."),
}
_SPOKEN_AS: Final[dict[str, str]] = {"es-419": "es", "fr-ch": "fr-be"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One speaker of a dialogue; without a timbre the synthesiser's own is heard."""

    voice: Voice
    delivery: Delivery
    timbre: Timbre | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something said: float32 samples from `at_s` on, and its phones and phrases on the clip's clock.

    `start_s` and `end_s` are those of the voice, without the pauses that a synthesiser puts around it.
    """

    samples: Samples
    at_s: float
    start_s: float
    end_s: float
    phones: tuple[Phone, ...]
    phrases: tuple[Phrase, ...]
    is_backchannel: bool


def draw_party(rng: np.random.Generator, config: ClipConfig) -> Party:
    """Draw a speaker as the speech world draws them."""
    return Party(
        voice=draw_voice(rng, config.split, config.recorded_share),
        delivery=draw_delivery(rng),
        timbre=draw_timbre(rng) if rng.random() < config.timbre_share else None,
    )


def say_sentence(rng: np.random.Generator, party: Party, start_s: float, config: ClipConfig) -> Line:
    """Let the party say a sentence whose voice begins at `start_s`."""
    return _say(rng, party, draw_sentence(rng, party.voice.language), start_s, config.emphasis_db)


def say_backchannel(rng: np.random.Generator, party: Party, start_s: float, config: ClipConfig) -> Line:
    """Let the party say that it listens, from `start_s` on."""
    language = _SPOKEN_AS.get(party.voice.language, party.voice.language)
    texts = _BACKCHANNELS.get(language, _BACKCHANNELS["en-us"])
    return _say(rng, party, texts[int(rng.integers(len(texts)))], start_s, config.emphasis_db, quieter_db=4.0)


def _say(
    rng: np.random.Generator,
    party: Party,
    text: str,
    start_s: float,
    emphasis_db: float,
    quieter_db: float | None = None,
) -> Line:
    said = synthesise(party.voice, text, party.delivery)
    loud = emphasise(rng, said, emphasis_db)
    if quieter_db is not None:
        loud = loud * np.float32(10.0 ** (-quieter_db / 20.0))
    voiced = [phone for phone in said.phones if not is_silent(phone)]
    at_s = round((start_s - voiced[0].start_s) * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    return Line(
        samples=loud,
        at_s=at_s,
        start_s=at_s + voiced[0].start_s,
        end_s=at_s + voiced[-1].end_s,
        phones=said.phones,
        phrases=tuple(phrases_of(said.phones, at_s, text.endswith("?"))),
        is_backchannel=quieter_db is not None,
    )
