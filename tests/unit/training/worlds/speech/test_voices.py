"""Real synthesisers speak with phones that tile their sound."""

from __future__ import annotations

import numpy as np
import pytest

from training.worlds.speech.phones import PHONE_SET, SAMPLE_RATE_HZ, SILENCE
from training.worlds.speech.text import draw_sentence
from training.worlds.speech.voices import Delivery, Voice, synthesise, voices

PLAIN = Delivery(stretch=1.0, pitch=0.5, liveliness=0.5, tract=1.0)
SPEAKERS = [
    Voice(engine="espeak", name="de+f2", language="de"),
    Voice(engine="espeak", name="ja+m1", language="ja"),
    Voice(engine="flite", name="awb", language="en-us"),
    Voice(engine="flite", name="kal16", language="en-us"),
]


def test_no_voice_is_in_both_splits() -> None:
    train, heldout = voices("train"), voices("heldout")

    assert not {voice.name for voice in train} & {voice.name for voice in heldout}
    assert not {voice.name.split("+")[-1] for voice in train} & {
        voice.name.split("+")[-1] for voice in heldout
    }


def test_every_language_has_something_to_say() -> None:
    rng = np.random.default_rng(0)

    for language in {voice.language for voice in (*voices("train"), *voices("heldout"))}:
        assert draw_sentence(rng, language)


@pytest.mark.parametrize("voice", SPEAKERS, ids=lambda voice: voice.name)
@pytest.mark.parametrize("tract", [0.85, 1.2])
def test_phones_tile_the_sound(voice: Voice, tract: float) -> None:
    delivery = Delivery(stretch=1.1, pitch=0.4, liveliness=0.5, tract=tract)
    text = draw_sentence(np.random.default_rng(5), voice.language)

    said = synthesise(voice, text, delivery)

    assert said.phones[0].start_s == 0.0
    assert said.phones[-1].end_s == pytest.approx(len(said.samples) / SAMPLE_RATE_HZ)
    assert all(
        a.end_s == pytest.approx(b.start_s) for a, b in zip(said.phones, said.phones[1:], strict=False)
    )
    assert {phone.symbol for phone in said.phones} <= PHONE_SET


@pytest.mark.parametrize("voice", [SPEAKERS[2], Voice(engine="espeak", name="en-us+m3", language="en-us")])
def test_phone_times_meet_the_sound(voice: Voice) -> None:
    said = synthesise(voice, "My father saw a mama.", PLAIN)

    def loudness(symbol: str) -> float:
        pieces = [
            said.samples[int(phone.start_s * SAMPLE_RATE_HZ) : int(phone.end_s * SAMPLE_RATE_HZ)]
            for phone in said.phones
            if phone.symbol == symbol
        ]
        return float(np.sqrt(np.mean(np.square(np.concatenate(pieces)))))

    assert loudness("ɑ") > 2.0 * loudness("f")
    assert loudness("ɑ") > 10.0 * loudness("sil")


@pytest.mark.parametrize("voice", SPEAKERS[2:], ids=lambda voice: voice.name)
def test_the_last_phone_ends_with_the_sound(voice: Voice) -> None:
    said = synthesise(voice, "Please call Stella, she saw six sisters by the river.", PLAIN)

    spoken_s = max(phone.end_s for phone in said.phones if phone.symbol != SILENCE)
    heard_s = np.flatnonzero(np.abs(said.samples) > 0.01)[-1] / SAMPLE_RATE_HZ
    assert spoken_s == pytest.approx(heard_s, abs=0.06)


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(ValueError, match="no voice"):
        synthesise(Voice(engine="espeak", name="xx-nowhere", language="de"), "Hallo.", PLAIN)
