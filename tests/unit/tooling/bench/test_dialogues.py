"""The truth about synthetic clips is what they were made from."""

from __future__ import annotations

import numpy as np
import pytest

from models.lpm.direction import MAX_ITEMS
from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ, NUM_MOTION
from services.kit.contracts import CHUNK_SAMPLES
from tests.bench.dialogues import Dialogue, of_clip
from tests.bench.phrases import Span, spans
from training.worlds.conversation import Clip
from training.worlds.speech import SILENCE, Phone
from training.worlds.speech.life import Phrase

CHUNKS = 40
ABSENT_FROM = 30  # of the listen stream, in chunks


@pytest.fixture(scope="module")
def dialogue() -> Dialogue:
    """8 s: the other says three phrases and is gone in the midst of the third; the character says "ma"."""
    present = np.ones((CHUNKS, 2), bool)
    present[ABSENT_FROM:, 1] = False
    phones = ((SILENCE, 0.0, 4.0), ("m", 4.0, 4.2), ("a", 4.2, 4.6), (SILENCE, 4.6, 8.0))
    heard = ((-0.5, 1.0), (1.08, 2.0), (3.0, 3.6), (5.2, 7.0))
    return of_clip(
        Clip(
            kind="conversation",
            speak=np.zeros(CHUNKS * CHUNK_SAMPLES, np.float32),
            listen=np.zeros(CHUNKS * CHUNK_SAMPLES, np.float32),
            present=present,
            concepts=np.zeros((CHUNKS, MAX_ITEMS), np.int64),
            strengths=np.zeros((CHUNKS, MAX_ITEMS), np.float32),
            motion=np.zeros((CHUNKS * CHUNK_FRAMES, NUM_MOTION), np.float32),
            phones=tuple(Phone(symbol=symbol, start_s=a, end_s=b) for symbol, a, b in phones),
            heard=tuple(Phrase(start_s=a, end_s=b, is_question=False) for a, b in heard),
            voices=("one", "other"),
            languages=("en", "en"),
        )
    )


def test_the_character_s_voice_sounds_where_its_phones_do(dialogue: Dialogue) -> None:
    assert spans(dialogue.own) == [Span(first=100, end=115)]


def test_the_other_s_voice_sounds_while_its_stream_is_there(dialogue: Dialogue) -> None:
    assert spans(dialogue.other)[-1] == Span(first=130, end=ABSENT_FROM * CHUNK_FRAMES)


def test_a_phrase_ends_with_a_pause_and_not_with_its_stream(dialogue: Dialogue) -> None:
    assert [end / FRAME_RATE_HZ for end in dialogue.ends] == [2.0, 3.6]


def test_the_other_side_hears_what_this_one_says(dialogue: Dialogue) -> None:
    other = dialogue.swapped

    np.testing.assert_array_equal(other.own, dialogue.other)
    np.testing.assert_array_equal(other.scene.speaks, dialogue.scene.listens)


def test_the_deaf_hear_nobody_and_say_the_same(dialogue: Dialogue) -> None:
    assert not dialogue.deaf.scene.listens.any()
    np.testing.assert_array_equal(dialogue.deaf.scene.speaks, dialogue.scene.speaks)
