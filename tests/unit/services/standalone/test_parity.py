from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.kit.errors import BadInput
from services.standalone.main import command
from tests.unit.services.generation.recorded import make_unknown, record_projection


def call(*words: str) -> object:
    return command.main(["parity", *words], standalone_mode=False)


def test_each_output_is_a_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record_projection(tmp_path)

    assert call("fantasytalking", str(tmp_path)) == 0

    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told.pop("max_error") <= 1e-5
    assert told == {"case": "audio_proj", "output": "audio_tokens", "tolerance": 1e-5, "verdict": "pass"}


def test_one_output_that_is_off_fails_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record_projection(tmp_path, error=0.25)

    assert call("fantasytalking", str(tmp_path)) == 1

    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "fail"
    assert told["max_error"] == pytest.approx(0.25, abs=1e-4)


def test_an_error_without_a_number_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record_projection(tmp_path)
    make_unknown(tmp_path)

    assert call("personalive", str(tmp_path)) == 1

    told = json.loads(capsys.readouterr().out)
    assert told["max_error"] is None
    assert "nothing replays" in told["note"]


def test_a_folder_of_anything_else_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["parity", "personalive", str(tmp_path)])

    assert isinstance(result.exception, BadInput)
    assert result.stdout == ""
