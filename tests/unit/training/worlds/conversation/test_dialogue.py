"""Dialogues: turns that alternate, and parties that do not speak over themselves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from training.worlds.conversation.cast import Line, Party
from training.worlds.conversation.dialogue import DialogueConfig, converse, lecture
from training.worlds.speech import Delivery, Voice
from training.worlds.speech.clip import ClipConfig

DELIVERY = Delivery(stretch=1.0, pitch=0.5, liveliness=0.5, tract=1.0)
SPEECH = ClipConfig()


@pytest.fixture(name="parties", scope="module")
def fixture_parties() -> tuple[Party, Party]:
    voices = (Voice(engine="espeak", name=f"{name}", language="en-us") for name in ("en-us+f2", "en-us+m3"))
    one, other = (Party(voice=voice, delivery=DELIVERY, timbre=None) for voice in voices)
    return one, other


@pytest.fixture(name="talk", scope="module")
def fixture_talk(parties: tuple[Party, Party]) -> tuple[list[Line], list[Line]]:
    return converse(np.random.default_rng(0), parties, 60.0, DialogueConfig(), SPEECH)


def test_nobody_speaks_over_themselves(talk: tuple[list[Line], list[Line]]) -> None:
    for lines in talk:
        assert all(b.start_s - a.end_s >= 0.1 for a, b in pairwise(lines))


def test_turns_pass_with_gaps_as_configured(talk: tuple[list[Line], list[Line]]) -> None:
    config = DialogueConfig()
    said = sorted(
        (line.start_s, line.end_s, who) for who in (0, 1) for line in talk[who] if not line.is_backchannel
    )
    gaps_s = [b[0] - a[1] for a, b in pairwise(said) if a[2] != b[2]]

    assert len(gaps_s) >= 5
    assert min(gaps_s) >= config.shortest_gap_s - 1e-3
    assert max(gaps_s) <= config.longest_gap_s + 1e-3


def test_both_parties_speak_and_show_that_they_listen(talk: tuple[list[Line], list[Line]]) -> None:
    assert all(any(not line.is_backchannel for line in lines) for lines in talk)
    assert any(line.is_backchannel for lines in talk for line in lines)


def test_a_listener_says_next_to_nothing(parties: tuple[Party, Party]) -> None:
    own, heard = lecture(np.random.default_rng(1), parties, 60.0, DialogueConfig(), SPEECH)
    sounding_s = sum(line.end_s - line.start_s for line in heard)

    assert all(line.is_backchannel for line in own)
    assert sounding_s > 30.0
