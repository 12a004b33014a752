from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from models.fantasytalking.config import tiny
from models.fantasytalking.weights import save_published
from services.kit.errors import BadInput
from services.standalone.models import models
from tests.unit.models.fantasytalking.scenes import make_network
from tests.unit.services.generation.published import publish


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(models, [str(word) for word in words])


def test_published_files_are_converted_with_an_account_and_verified(tmp_path: Path) -> None:
    source, output = publish(tmp_path / "published"), tmp_path / "converted"

    converted = call("convert", "personalive", source, "--output", output, "--variant", "tiny")
    verified = call("verify", output)

    assert converted.exit_code == verified.exit_code == 0
    files = [line.split("  ")[0] for line in converted.stdout.splitlines()]
    assert sorted(files) == sorted(path.name for path in source.iterdir())
    assert "float32" in converted.stdout
    assert "CC-BY-NC-4.0" in converted.stderr
    assert verified.stdout.startswith("personalive  ")


def test_published_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    refused = call("convert", "personalive", tmp_path, "--output", tmp_path / "new", "--variant", "tiny")

    assert isinstance(refused.exception, BadInput)
    assert "denoising_unet.pth is missing" in str(refused.exception)


def test_files_of_fantasytalking_are_converted_with_an_account_and_verified(tmp_path: Path) -> None:
    source, output = tmp_path / "published", tmp_path / "converted"
    source.mkdir()
    network = make_network(replace(tiny(), identity=None, intensity=None))
    save_published(network, source / "base.safetensors", source / "fantasytalking_model.ckpt")

    words = ("convert", "fantasytalking", source, "--output", output, "--variant", "tiny")
    converted, again = call(*words), call(*words)
    verified = call("verify", output)

    assert converted.exit_code == verified.exit_code == 0
    assert [line.split("  ")[0] for line in converted.stdout.splitlines()] == [
        "base.safetensors",
        "fantasytalking_model.ckpt",
    ]
    assert "Apache-2.0" in converted.stderr
    assert verified.stdout.startswith("fantasytalking  ")
    assert isinstance(again.exception, BadInput)


def test_files_of_fantasytalking_that_do_not_fit_leave_nothing(tmp_path: Path) -> None:
    source = tmp_path / "published"
    source.mkdir()
    network = make_network(replace(tiny(), identity=None, intensity=None))
    save_published(network, source / "base.safetensors", tmp_path / "elsewhere.ckpt")

    output = tmp_path / "made" / "converted"
    refused = call("convert", "fantasytalking", source, "--output", output, "--variant", "tiny")

    assert isinstance(refused.exception, BadInput)
    assert "missing proj_model.norm.bias" in str(refused.exception)
    assert list(output.parent.iterdir()) == []


def test_a_list_tells_origin_and_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__PERSONALIVE", str(tmp_path))

    lines = call("list").stdout.splitlines()

    assert lines[0].startswith("lpm  shipped  Apache-2.0  ")
    assert lines[1] == f"personalive  configured  CC-BY-NC-4.0  {tmp_path}"
    assert lines[2].startswith("fantasytalking  not configured  Apache-2.0  ")


def test_weights_of_a_system_that_is_not_known_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__PERSONLIVE", "/somewhere")

    assert isinstance(call("list").exception, BadInput)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    assert isinstance(call("verify", tmp_path).exception, BadInput)
