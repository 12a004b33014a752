"""The common phone set and the tiling of spans."""

from __future__ import annotations

import pytest

from training.worlds.speech.phones import CMU_PHONES, PHONE_SET, SILENCE, from_ipa, tile
from training.worlds.speech.visemes import VISEMES


def test_every_phone_has_a_viseme_and_every_viseme_a_phone() -> None:
    assert set(VISEMES) == PHONE_SET


def test_every_cmu_name_maps_into_the_phone_set() -> None:
    assert {phone for phones in CMU_PHONES.values() for phone in phones} <= PHONE_SET


@pytest.mark.parametrize(
    ("spelling", "phones"),
    [
        ("tʃ", ("t", "ʃ")),
        ("aɪ", ("a", "ɪ")),
        ("iː", ("i",)),
        ("ˈɔ̃", ("ɔ",)),
        ("ʁ", ("ɣ",)),
        ("(en)", ("e", "n")),
        ("", ()),
    ],
)
def test_ipa_is_split_into_common_phones(spelling: str, phones: tuple[str, ...]) -> None:
    assert from_ipa(spelling) == phones


def test_gaps_become_silence_and_shared_spans_are_split() -> None:
    phones = tile([(("t", "ʃ"), 0.1, 0.3), ((SILENCE,), 0.3, 0.4)], 0.6)

    assert [phone.symbol for phone in phones] == [SILENCE, "t", "ʃ", SILENCE]
    assert [phone.end_s for phone in phones] == pytest.approx([0.1, 0.2, 0.3, 0.6])


def test_spans_past_the_end_are_cut() -> None:
    phones = tile([(("a",), 0.0, 0.5), (("m",), 0.5, 2.0)], 0.8)

    assert phones[-1].end_s == pytest.approx(0.8)
