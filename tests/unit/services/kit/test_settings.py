from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from services.kit.errors import Fatal
from services.kit.settings import Group, ServiceSettings, load


class Engine(Group):
    num_slots: int = 4


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="STAGE_")

    engine: Engine = Engine()
    snapshot_key: str = ""


def test_values_come_from_prefixed_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_BUS__BOOTSTRAP_SERVERS", "a:1,b:2")
    monkeypatch.setenv("STAGE_ENGINE__NUM_SLOTS", "9")
    monkeypatch.setenv("STAGE_BLOBS__FOLDER", "/data")
    settings = load(Settings)
    assert settings.bus.bootstrap_servers == "a:1,b:2"
    assert settings.engine.num_slots == 9
    assert settings.blobs.folder == Path("/data")
    assert settings.bus.partitions == 8


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("STAGE_BUS__BOOTSTRAP_SERVER", "did you mean STAGE_BUS__BOOTSTRAP_SERVERS"),
        ("STAGE_SNAPSHOTKEY", "did you mean STAGE_SNAPSHOT_KEY"),
        ("STAGE_ENGINE__SLOTS_NUM", "STAGE_ENGINE__NUM_SLOTS"),
        ("STAGE_XYZZY", "no setting has a name like it"),
    ],
)
def test_an_unknown_variable_is_refused_with_its_near_misses(
    variable: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(Fatal, match=f"{variable} is not a setting: .*{hint}"):
        load(Settings)


def test_every_unknown_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_A", "1")
    monkeypatch.setenv("STAGE_B", "1")
    with pytest.raises(Fatal, match=r"STAGE_A is not a setting.*; STAGE_B is not a setting"):
        load(Settings)


def test_a_value_that_does_not_fit_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_BUS__PARTITIONS", "many-secrets")
    with pytest.raises(Fatal, match="STAGE_BUS__PARTITIONS: Input should be a valid integer") as caught:
        load(Settings)
    assert "many-secrets" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_variables_of_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGECOACH", "1")
    assert load(Settings) == Settings()


@pytest.mark.parametrize(
    "variable", ["STAGE_SERVICE_HOST", "STAGE_SERVICE_PORT_HTTP", "STAGE_PORT", "STAGE_PORT_80_TCP"]
)
def test_what_kubernetes_injects_for_a_service_of_our_name_is_no_setting(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "tcp://10.0.0.1:80")
    assert load(Settings) == Settings()


def test_secrets_do_not_appear_when_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_BLOBS__SECRET_KEY", "hush")
    monkeypatch.setenv("STAGE_DATABASE__URL", "postgresql://u:hush@h/d")
    settings = load(Settings)
    assert "hush" not in repr(settings)
    assert settings.blobs.secret_key.get_secret_value() == "hush"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().snapshot_key = "other"


def test_a_folder_and_an_endpoint_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_BLOBS__FOLDER", "/data")
    monkeypatch.setenv("STAGE_BLOBS__ENDPOINT", "s3:9000")
    with pytest.raises(Fatal, match=r"STAGE_BLOBS: .*expected one of them"):
        load(Settings)
