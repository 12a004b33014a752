from __future__ import annotations

from pathlib import Path

import pytest

from models.fantasytalking.parallel.config import Memory, ParallelConfig
from services.generation.settings import (
    ApproximateSettings,
    EngineSettings,
    Settings,
    WeightFolders,
    configured_weights,
)
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


@pytest.mark.parametrize(
    ("engine", "folder", "allowed", "found"),
    [
        ("personalive", None, True, "GENERATION_WEIGHTS__PERSONALIVE"),
        ("personalive", "w", False, "GENERATION_ALLOW_NONCOMMERCIAL=true"),
        ("personalive", "w", True, None),
        ("lpm", "w", False, None),
    ],
)
def test_an_engine_is_served_when_it_has_weights_that_may_be(
    engine: str, folder: str | None, allowed: bool, found: str | None
) -> None:
    weights = WeightFolders(personalive=None if folder is None else Path(folder))
    settings = EngineSettings(weights=weights, allow_noncommercial=allowed)
    if found is None:
        settings.check_served(engine)
        return
    with pytest.raises(ValueError, match=found):
        settings.check_served(engine)


def test_rows_that_are_computed_together_are_one_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(Settings).personalive.rows == 1
    monkeypatch.setenv("GENERATION_PERSONALIVE__ROWS", "8")
    assert load(Settings).personalive.rows == 8


@pytest.mark.parametrize(
    ("folder", "asked", "found"),
    [
        ("w", False, "GENERATION_APPROXIMATE__LEAVING_EARLY=true"),
        (None, True, "GENERATION_WEIGHTS__PERSONALIVE"),
        ("w", True, None),
    ],
)
def test_what_leaves_early_is_served_when_it_is_asked_for_and_the_weights_are_there(
    monkeypatch: pytest.MonkeyPatch, folder: str | None, asked: bool, found: str | None
) -> None:
    monkeypatch.setenv("GENERATION_ALLOW_NONCOMMERCIAL", "true")
    monkeypatch.setenv("GENERATION_APPROXIMATE__LEAVING_EARLY", str(asked))
    if folder is not None:
        monkeypatch.setenv("GENERATION_WEIGHTS__PERSONALIVE", folder)
    settings = load(Settings)
    if found is None:
        settings.check_served("personalive_early")
        return
    with pytest.raises(ValueError, match=found):
        settings.check_served("personalive_early")


def test_what_leaves_early_is_under_the_terms_of_the_weights() -> None:
    approximate = ApproximateSettings(leaving_early=True)
    settings = EngineSettings(weights=WeightFolders(personalive=Path("w")), approximate=approximate)

    with pytest.raises(ValueError, match="GENERATION_ALLOW_NONCOMMERCIAL=true"):
        settings.check_served("personalive_early")


@pytest.mark.parametrize(
    ("name", "value"), [("DEVICE", "tpu"), ("PRECISION", "int4"), ("PERSONALIVE__ROWS", "9")]
)
def test_a_device_or_precision_that_there_is_none_of_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"GENERATION_{name}", value)

    with pytest.raises(Fatal, match=f"GENERATION_{name}"):
        load(Settings)


FANTASYTALKING = ("WEIGHTS__FANTASYTALKING", "FANTASYTALKING__WAN", "FANTASYTALKING__WAV2VEC2")


def test_fantasytalking_is_served_from_its_weights_and_two_folders_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FANTASYTALKING:
        monkeypatch.setenv(f"GENERATION_{name}", str(tmp_path / name))

    folders = load(Settings).fantasytalking_folders()

    expected = tuple(tmp_path / name for name in FANTASYTALKING)
    assert (folders.network, folders.wan, folders.speech) == expected


def test_weights_without_the_folders_beside_them_name_what_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__FANTASYTALKING", str(tmp_path))

    missing = "GENERATION_FANTASYTALKING__WAN and GENERATION_FANTASYTALKING__WAV2VEC2"
    with pytest.raises(Fatal, match=f"expected folders in {missing} as well"):
        load(Settings)


def test_a_folder_that_is_not_there_is_named_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FANTASYTALKING:
        monkeypatch.setenv(f"GENERATION_{name}", str(tmp_path))

    with pytest.raises(ValueError, match="vae is not a folder"):
        EngineSettings().check_served("fantasytalking")


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


def test_processes_of_fantasytalking_share_it_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PROCESSES": "6", "GROUPS": "2", "MEMORY": "offloaded"}.items():
        monkeypatch.setenv(f"GENERATION_FANTASYTALKING__{name}", value)

    found = load(Settings).fantasytalking.parallel("cuda:0")

    assert found == ParallelConfig(sequence=3, guidance=2, memory=Memory.OFFLOADED, device="cuda")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"PROCESSES": "3", "GROUPS": "2"}, "3 processes do not divide into 2 groups"),
        ({"PROCESSES": "4", "GROUPS": "4"}, "GENERATION_FANTASYTALKING__GROUPS"),
        ({"MEMORY": "sharded"}, "weights are sharded over the processes of a sequence, which is 1"),
        ({"MEMORY": "large"}, "GENERATION_FANTASYTALKING__MEMORY"),
    ],
)
def test_processes_that_cannot_share_a_network_are_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], refusal: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"GENERATION_FANTASYTALKING__{name}", value)

    with pytest.raises(Fatal, match=refusal):
        load(Settings)
