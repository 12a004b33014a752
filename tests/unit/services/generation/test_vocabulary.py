from __future__ import annotations

from services.generation.vocabulary import understand


def test_unknown_words_are_named_once_in_their_order() -> None:
    understanding = understand(("smiles and xyzzys", "flibbers and xyzzys"))
    assert understanding.unknown == ("xyzzys", "flibbers")
    assert not understanding.is_empty


def test_texts_that_ask_for_nothing_are_empty() -> None:
    assert understand(("xyzzy", "please")).is_empty
    assert understand(()).is_empty
