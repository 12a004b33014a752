"""The committed description of the API: it is what the application says, and says enough."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from services.gateway.api.document import document
from services.gateway.problems import KINDS

FILE: Final = Path(__file__).parents[2] / "docs" / "openapi.json"
PUBLIC: Final = {"/healthz", "/readyz"}


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    """The file that clients read."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def operations(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_file_is_what_the_application_says(committed: dict[str, Any]) -> None:
    assert committed == asyncio.run(document()), "the API has changed: run `make openapi`"


def test_whoever_needs_a_key_is_told_of_every_way_to_be_refused(committed: dict[str, Any]) -> None:
    for name, operation in operations(committed):
        is_public = name.split()[1] in PUBLIC
        wanted = {"500", "503"} if is_public else {"401", "403", "422", "429", "500", "503"}
        assert wanted <= operation["responses"].keys(), name
        assert bool(operation.get("security")) is not is_public, name


def test_every_post_takes_an_idempotency_key_and_says_how_it_may_clash(committed: dict[str, Any]) -> None:
    for name, operation in operations(committed):
        if name.startswith("POST"):
            assert "Idempotency-Key" in {each["name"] for each in operation["parameters"]}, name
            assert {"409", "422"} <= operation["responses"].keys(), name


def test_every_resource_that_is_made_later_says_where_it_is(committed: dict[str, Any]) -> None:
    for name, operation in operations(committed):
        if "202" in operation["responses"]:
            assert "Location" in operation["responses"]["202"]["headers"], name


def test_every_operation_is_told_in_words(committed: dict[str, Any]) -> None:
    for name, operation in operations(committed):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name


def test_the_examples_fit_their_schemas(committed: dict[str, Any]) -> None:
    for name, operation in operations(committed):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            schema = {**content["schema"], "components": committed["components"]}
            examples = [each["value"] for each in content.get("examples", {}).values()]
            for example in [*examples, *([content["example"]] if "example" in content else [])]:
                problems = list(Draft202012Validator(schema).iter_errors(example))
                assert not problems, f"{name} {media_type}: {problems}"


def test_every_kind_of_problem_has_an_example(committed: dict[str, Any]) -> None:
    assert committed["components"]["examples"].keys() == {kind.code for kind in KINDS}
