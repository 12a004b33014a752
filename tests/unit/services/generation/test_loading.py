from __future__ import annotations

from pathlib import Path

import pytest

from models.lpm.config import tiny
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm, Schedule
from models.lpm.weights import CONFIG_FILE, WEIGHTS_FILE, save_lpm, save_online
from services.generation import loading
from services.generation.personalive import PersonaLiveEngine
from services.generation.settings import (
    ApproximateSettings,
    EngineSettings,
    FantasyTalkingSettings,
    PersonaLiveSettings,
    WeightFolders,
)
from services.kit.errors import Unavailable
from tests.unit.services.generation.served import write_weights


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny model, in the place of the shipped one."""
    save_lpm(Lpm(tiny()), tmp_path)
    monkeypatch.setattr(loading, "weights_folder", lambda engine, variant: tmp_path)
    return tmp_path


def test_an_engine_loads_from_its_weights(weights: Path) -> None:
    assert loading.load_lpm().config == tiny()
    is_present, found = loading.check_weights()
    assert is_present
    assert "sha256" in found


def test_an_engine_of_two_networks_loads_from_the_same_place(weights: Path) -> None:
    _, alone = loading.check_weights()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        (weights / name).unlink()
    save_online(OnlineLpm(Lpm(tiny()), Lpm(tiny()), Schedule()), weights)
    assert loading.load_lpm().config == tiny()
    is_present, found = loading.check_weights()
    assert is_present
    assert found != alone


def test_damaged_weights_are_unavailable(weights: Path) -> None:
    file = weights / WEIGHTS_FILE
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(Unavailable, match="cannot be loaded"):
        loading.load_lpm()


def test_missing_weights_are_unavailable_and_the_doctor_says_so(weights: Path) -> None:
    (weights / WEIGHTS_FILE).unlink()
    is_present, found = loading.check_weights()
    assert not is_present
    assert "no LPM" in found


def test_what_is_configured_is_served_beside_what_is_shipped(tmp_path: Path) -> None:
    folders = WeightFolders(personalive=tmp_path)
    engines = loading.engines_of(EngineSettings(weights=folders, allow_noncommercial=True))
    assert list(engines) == ["lpm", "personalive"]
    with pytest.raises(Unavailable, match=r"engine personalive cannot be loaded: no converted PersonaLive"):
        engines["personalive"]()


def test_engines_of_one_folder_share_its_networks(tmp_path: Path) -> None:
    settings = EngineSettings(
        weights=WeightFolders(personalive=write_weights(tmp_path)),
        allow_noncommercial=True,
        personalive=PersonaLiveSettings(rows=4),
        approximate=ApproximateSettings(leaving_early=True),
    )
    engines = loading.engines_of(settings)
    assert list(engines) == ["lpm", "personalive", "personalive_early"]
    full, early = (engines[name]() for name in ("personalive", "personalive_early"))
    assert isinstance(full, PersonaLiveEngine)
    assert isinstance(early, PersonaLiveEngine)
    assert early.model.denoiser is full.model.denoiser
    assert (full.lag, early.lag) == (3, 2)
    assert full.max_rows == early.max_rows == 4


def test_without_any_configuration_only_what_is_shipped_is_served() -> None:
    assert list(loading.engines_of(EngineSettings())) == ["lpm"]


def test_fantasytalking_is_among_the_engines_where_its_weights_are_named(tmp_path: Path) -> None:
    settings = EngineSettings(weights=WeightFolders(fantasytalking=tmp_path))

    assert sorted(loading.engines_of(settings)) == ["fantasytalking", "lpm"]
    with pytest.raises(Unavailable, match=r"engine fantasytalking cannot be loaded: .* not whole"):
        loading.engines_of(settings)["fantasytalking"]()


def test_fantasytalking_without_a_network_is_unavailable(tmp_path: Path) -> None:
    given = FantasyTalkingSettings(wan=tmp_path, wav2vec2=tmp_path)
    settings = EngineSettings(weights=WeightFolders(fantasytalking=tmp_path), fantasytalking=given)

    with pytest.raises(Unavailable, match=r"engine fantasytalking cannot be loaded: .*vae is not a folder"):
        loading.load_fantasytalking(settings)
