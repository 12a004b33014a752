from __future__ import annotations

from pathlib import Path

import pytest

from services.generation.settings import Settings, configured_weights
from services.generation.systems import TERMS, check_permitted
from services.kit.errors import Fatal
from services.kit.settings import load


def test_noncommercial_weights_are_not_served_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__PERSONALIVE", str(tmp_path))

    with pytest.raises(Fatal, match=r"personalive descend from CC-BY-NC-4\.0 material") as error:
        load(Settings)

    assert "GENERATION_ALLOW_NONCOMMERCIAL=true" in str(error.value)


def test_noncommercial_weights_are_served_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__PERSONALIVE", str(tmp_path))
    monkeypatch.setenv("GENERATION_ALLOW_NONCOMMERCIAL", "true")

    assert load(Settings).weights.personalive == tmp_path


def test_other_weights_ask_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__FANTASYTALKING", str(tmp_path))

    assert load(Settings).weights.fantasytalking == tmp_path


def test_folders_can_be_read_whether_or_not_they_may_be_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__PERSONALIVE", str(tmp_path))
    monkeypatch.setenv("GENERATION_SLOTS", "no number")

    assert configured_weights().given() == {"personalive": tmp_path, "fantasytalking": None}


def test_only_permissive_weights_are_permitted_by_themselves() -> None:
    permitted = [system for system, terms in TERMS.items() if terms.is_commercial]

    check_permitted(permitted, allow_noncommercial=False)
    assert sorted(permitted) == ["fantasytalking", "lpm"]
