from __future__ import annotations

from pathlib import Path

import pytest

from models.lpm.config import tiny
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm, Schedule
from models.lpm.weights import CONFIG_FILE, WEIGHTS_FILE, save_lpm, save_online
from services.generation import loading
from services.kit.errors import Unavailable


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny model, in the place of the shipped one."""
    save_lpm(Lpm(tiny()), tmp_path)
    monkeypatch.setattr(loading, "weights_folder", lambda engine, variant: tmp_path)
    return tmp_path


def test_an_engine_loads_from_its_weights(weights: Path) -> None:
    assert loading.load_engine("lpm").config == tiny()
    is_present, found = loading.check_weights("lpm")
    assert is_present
    assert "sha256" in found


def test_an_engine_of_two_networks_loads_from_the_same_place(weights: Path) -> None:
    _, alone = loading.check_weights("lpm")
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        (weights / name).unlink()
    save_online(OnlineLpm(Lpm(tiny()), Lpm(tiny()), Schedule()), weights)
    assert loading.load_engine("lpm").config == tiny()
    is_present, found = loading.check_weights("lpm")
    assert is_present
    assert found != alone


def test_damaged_weights_are_unavailable(weights: Path) -> None:
    file = weights / WEIGHTS_FILE
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(Unavailable, match="cannot be loaded"):
        loading.load_engine("lpm")


def test_missing_weights_are_unavailable_and_the_doctor_says_so(weights: Path) -> None:
    (weights / WEIGHTS_FILE).unlink()
    is_present, found = loading.check_weights("lpm")
    assert not is_present
    assert "no LPM" in found
