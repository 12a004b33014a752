"""Directions are read into concepts: many words, any order, nothing for what is not known."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from models.lpm.direction import (
    CONCEPT_IDS,
    CONCEPTS,
    MAX_ITEMS,
    Concept,
    Item,
    encode_items,
    read_direction,
)
from models.lpm.lexicon import USUAL_STRENGTH


def read(text: str) -> dict[str, float]:
    return {CONCEPTS[item.concept - 1].name: item.strength for item in read_direction(text).items}


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda concept: concept.name)
def test_a_concept_is_known_by_its_name_and_by_all_its_words(concept: Concept) -> None:
    for words in (concept.name, *concept.words):
        reading = read_direction(words)
        assert Item(CONCEPT_IDS[concept.name], USUAL_STRENGTH) in reading.items, words
        assert reading.unknown == (), words


def test_only_gazes_aslant_have_words_for_two_concepts() -> None:
    both = {words: frozenset(read(words)) for concept in CONCEPTS for words in concept.words}
    shared = {names for names in both.values() if len(names) > 1}
    up, down, left, right = "gaze_up", "gaze_down", "gaze_left", "gaze_right"

    assert shared == {frozenset(pair) for pair in ((up, left), (up, right), (down, left), (down, right))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She nods", "nod"),
        ("nodding her head", "nod"),
        ("he shook his head", "shake"),
        ("Smiling.", "smile"),
        ("a smiley face", "smile"),
        ("raises an eyebrow", "one_brow_raised"),
        ("raises his eyebrows", "raised_brows"),
        ("with wide-open eyes", "wide_eyes"),
        ("eyes closed", "closed_eyes"),
        ("sadly", "sad"),
        ("happier", "happy"),
        ("her happiness", "happy"),
        ("worriedly", "concerned"),
        ("terrified", "afraid"),
        ("leans in to the camera", "lean_forward"),
        ("tilts her head to the left", "tilt_left"),
        ("turned to the right", "turn_right"),
        ("glances up at the sky", "gaze_up"),
        ("turns his eyes to the left", "gaze_left"),
        ("looks to the viewer's left", "gaze_right"),
        ("looks away from the viewer", "gaze_away"),
        ("doesn't blink", "blink_rarely"),
        ("TILT_LEFT", "tilt_left"),
        ("furrowed-brows", "furrowed_brows"),
    ],
)
def test_inflected_words_and_whole_phrases_are_known(text: str, expected: str) -> None:
    assert read(text) == {expected: USUAL_STRENGTH}
    assert read_direction(text).unknown == ()


@pytest.mark.parametrize(
    "text", ["", "   ", "left", "the", "...", "\u0000", "the left and the right", "\U0001f600"]
)
def test_a_text_without_a_concept_asks_for_nothing(text: str) -> None:
    assert read_direction(text).items == ()


@pytest.mark.parametrize(
    ("text", "strength"),
    [
        ("slightly smiling", 0.4),
        ("a little smile", 0.4),
        ("very slightly smiling", 0.4),
        ("smiles a bit", 0.4),
        ("smiles broadly", 0.9),
        ("a very big smile", 0.9),
        ("extremely smiling", 1.0),
        ("barely smiles", 0.3),
        ("smile", USUAL_STRENGTH),
    ],
)
def test_words_of_intensity_set_the_strength(text: str, strength: float) -> None:
    assert read(text) == {"smile": strength}


def test_an_intensity_belongs_to_the_concept_that_follows_it_and_to_no_other() -> None:
    assert read("happy, slightly raised brows and very tired") == {
        "happy": USUAL_STRENGTH,
        "raised_brows": 0.4,
        "tired": 1.0,
    }


def test_an_intensity_that_nothing_follows_belongs_to_the_concept_before_it() -> None:
    assert read("smiles slightly and nods") == {"smile": 0.4, "nod": USUAL_STRENGTH}


def test_an_intensity_within_a_phrase_belongs_to_it() -> None:
    assert read("tilts her head slightly to the left") == {"tilt_left": 0.4}


@pytest.mark.parametrize(
    "text",
    [
        "not smiling",
        "no smile",
        "without smiling",
        "never smiles",
        "don't smile",
        "stop smiling",
        "not very smiley",
    ],
)
def test_a_negation_removes_the_concept_it_precedes_wherever_else_it_is_named(text: str) -> None:
    assert read(text) == {}
    assert read(f"smile, {text}, nod") == read(f"{text}. Nod, smile") == {"nod": USUAL_STRENGTH}


def test_a_negation_reaches_over_or() -> None:
    assert read("without smiling or nodding, happy") == {"happy": USUAL_STRENGTH}


def test_a_negation_ends_with_its_clause() -> None:
    assert read("no, smile") == read("not at all, smile") == {"smile": USUAL_STRENGTH}


def test_unknown_words_change_nothing_and_are_reported_once() -> None:
    plain = "slightly smiling, looking up, not nodding"
    strewn = "zorp slightly zorp smiling, looking up blarg, not zorp nodding, zörp"

    assert read_direction(strewn).items == read_direction(plain).items
    assert read_direction(strewn).unknown == ("zorp", "blarg", "zörp")
    assert read_direction(plain).unknown == ()


def test_the_order_of_what_is_asked_for_is_free() -> None:
    wishes = ("slightly happy", "looks left", "nods", "very calm")
    encoded = [encode_items(read_direction(", ".join(order)).items) for order in permutations(wishes)]

    for ids, strengths in encoded:
        np.testing.assert_array_equal(ids, encoded[0][0])
        np.testing.assert_array_equal(strengths, encoded[0][1])


def test_synonyms_are_equal() -> None:
    assert read_direction("glad, pursed lips, gazes downward") == read_direction(
        "joyful, pouting, looking down"
    )


@pytest.mark.parametrize(
    "text", ["smile; slightly smile; smiles hugely", "smiles hugely, smile", "slightly smile, very smiley"]
)
def test_of_a_concept_named_twice_the_stronger_counts(text: str) -> None:
    assert read(text) == {"smile": 1.0}


def test_past_eight_concepts_those_named_first_count() -> None:
    names = [concept.name for concept in CONCEPTS[20:30]]

    assert [*read(", ".join(names))] == names[:MAX_ITEMS]


def test_items_are_encoded_by_ascending_id_and_padded_with_zeros() -> None:
    ids, strengths = encode_items([Item(7, 0.5), Item(3, 1.0), Item(7, 0.25)])

    assert ids.dtype == np.int64
    assert strengths.dtype == np.float32
    assert ids.tolist() == [3, 7, 0, 0, 0, 0, 0, 0]
    assert strengths.tolist() == [1.0, 0.5, 0, 0, 0, 0, 0, 0]


def test_more_than_eight_items_are_cut_to_the_first_eight() -> None:
    ids, _ = encode_items(Item(20 - i, 0.5) for i in range(10))

    assert ids.tolist() == [13, 14, 15, 16, 17, 18, 19, 20]


def test_the_page_about_directions_lists_every_concept_with_all_its_words() -> None:
    page = (Path(__file__).parents[4] / "docs" / "direction.md").read_text(encoding="utf-8")
    rows = {row[1].strip(): row[3] for line in page.splitlines() if len(row := line.split("|")) == 5}

    for concept in CONCEPTS:
        assert rows[f"`{concept.name}`"].strip() == ", ".join(concept.words)


@pytest.mark.parametrize(
    "text", ["s" * 5000, "ing" * 2000, "very " * 2000, "look up and " * 1000, "\ud800 smile"]
)
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    assert set(read(text)) <= {"gaze_up", "smile"}
