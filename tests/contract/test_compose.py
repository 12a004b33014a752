"""The compose file fits its specification, the settings of the services, and the images they come in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml
from jsonschema import Draft7Validator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from services.kit.settings import ServiceSettings, load
from services.standalone.main import command
from tests.servers.cluster import SERVICES, Backends, environment_of
from tests.servers.s3 import S3Server

ROOT: Final = Path(__file__).parents[2]
SCHEMA: Final = Path(__file__).parent / "schemas" / "compose-spec.json"
DOCKERFILE: Final = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
_VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")

# Imports the modules that are named as if those in the first argument were not installed.
_IMPORT_WITHOUT: Final = """
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in absent:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
absent = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Absent())
for module in sys.argv[2:]:
    importlib.import_module(module)
"""

# What the compose file of a machine holds, with the defaults of its variables.
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(
    _VARIABLE.sub(r"\2", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
)
ALL: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
BUILT: Final = sorted(name for name, service in ALL.items() if "build" in service)


def test_the_file_fits_the_specification() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(COMPOSE)] == []


def test_every_service_of_the_platform_is_there() -> None:
    assert set(SERVICES) <= set(ALL)


@pytest.mark.parametrize("name", SERVICES)
def test_the_service_accepts_its_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in ALL[name]["environment"].items():
        monkeypatch.setenv(variable, str(value))
    settings_type: type[ServiceSettings] = import_module(f"services.{name}.settings").Settings
    assert load(settings_type).bus.bootstrap_servers == "kafka:9092"


@pytest.mark.parametrize("name", SERVICES)
def test_the_environment_names_only_settings_of_the_service(name: str) -> None:
    assert {variable.split("_")[0] for variable in ALL[name]["environment"]} == {name.upper()}


@pytest.mark.parametrize("name", SERVICES)
def test_the_cluster_of_the_tests_is_told_by_the_same_variables(name: str) -> None:
    s3 = S3Server(endpoint="s", access_key="a", secret_key="b", bucket="c")
    backends = Backends(kafka="k", database_url="d", redis_url="r", s3=s3)
    assert set(environment_of(name, backends)) <= set(ALL[name]["environment"])


@pytest.mark.parametrize("name", SERVICES)
def test_the_service_is_started_by_a_module_that_exists(name: str) -> None:
    python, flag, module = ALL[name]["command"]
    assert (python, flag, find_spec(module) is not None) == ("python", "-m", True)


def test_the_migration_is_a_command_that_exists() -> None:
    program, *words = ALL["migration"]["command"]
    assert (program, isinstance(_command(words), click.Command)) == ("dramatis", True)


@pytest.mark.parametrize("name", SERVICES)
def test_the_health_check_asks_the_port_where_health_is_served(name: str) -> None:
    test = ALL[name]["healthcheck"]["test"]
    script = ROOT / "docker" / Path(test[-1]).name
    port = ALL[name]["environment"][f"{name.upper()}_HEALTH__PORT"]
    assert f"127.0.0.1:{port}/readyz" in script.read_text(encoding="utf-8")
    assert f"COPY docker/{script.name} {test[-1]}\n" in DOCKERFILE


def test_a_service_waits_only_for_what_exists_and_can_be_waited_for() -> None:
    waits = [
        (name, other, wait["condition"])
        for name, service in ALL.items()
        for other, wait in service.get("depends_on", {}).items()
    ]
    assert [
        (name, other, condition)
        for name, other, condition in waits
        if other not in ALL
        or (condition == "service_healthy" and "test" not in ALL[other].get("healthcheck", {}))
        or (condition == "service_completed_successfully" and ALL[other]["restart"] != "on-failure")
    ] == []


@pytest.mark.parametrize("name", BUILT)
def test_a_container_is_built_from_a_stage_that_does_not_run_as_root(name: str) -> None:
    target = ALL[name]["build"]["target"]
    stage = re.search(rf"^FROM \S+ AS {target}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert stage is not None
    assert re.findall(r"^USER (.*)$", stage.group(1), re.MULTILINE) == ["10001:10001"]


def test_every_foreign_image_is_pinned() -> None:
    images = [service["image"] for name, service in ALL.items() if name not in BUILT]
    images += re.findall(r"^ARG BASE=(.*)$", DOCKERFILE, re.MULTILINE)
    assert [image for image in images if not re.search(r":[\w.-]*\d[\w.-]*$", image)] == []


def test_only_the_api_is_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in ALL.items() if "ports" in service}
    assert published == {"gateway": ["127.0.0.1:8080:8080"]}


@pytest.mark.parametrize("image", ["platform", "engine"])
def test_the_services_of_an_image_start_without_what_it_does_not_hold(image: str) -> None:
    modules = [ALL[name]["command"][2] for name in SERVICES if ALL[name]["build"]["target"] == image]
    program = [sys.executable, "-c", _IMPORT_WITHOUT, ",".join(_absent_from(image)), *modules]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr[-500:]) == (0, "")


def _command(words: list[str]) -> click.Command | None:
    found: click.Command | None = command
    for word in words:
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
    return found


def _absent_from(image: str) -> list[str]:
    """The modules that are installed here and will not be there."""
    held = _distributions_of(image)
    return [
        module
        for module, owners in metadata.packages_distributions().items()
        if not held & {canonicalize_name(owner) for owner in owners}
    ]


def _distributions_of(image: str) -> set[str]:
    """What docker/Dockerfile installs, with everything that brings."""
    line = [sys.executable, "docker/requirements.py", image]
    declared = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True).stdout
    queue = [Requirement(text) for text in declared.splitlines()]
    found = {"dramatis", "setuptools"} | ({"mediapipe"} if image == "engine" else set())
    while queue:
        wanted = queue.pop()
        if wanted.name not in found or wanted.extras:
            found.add(canonicalize_name(wanted.name))
            asked = [Requirement(text) for text in metadata.requires(wanted.name) or ()]
            queue += [requirement for requirement in asked if _applies(requirement, wanted.extras)]
    return found


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    environments: list[dict[str, str | set[str]]] = [{"extra": extra} for extra in ("", *extras)]
    marker = requirement.marker
    return marker is None or any(marker.evaluate(environment) for environment in environments)
