from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from services.generation.parity import compare
from services.generation.systems import System
from services.kit.errors import BadInput
from tests.unit.services.generation.recorded import make_unknown, record_projection


def test_a_recorded_case_is_replayed(tmp_path: Path) -> None:
    record_projection(tmp_path)

    (verdict,) = compare("fantasytalking", tmp_path)

    assert verdict.holds
    assert (verdict.case, verdict.output) == ("audio_proj", "audio_tokens")


@pytest.mark.parametrize("system", ["personalive", "fantasytalking"])
def test_a_case_that_a_system_does_not_replay_fails(tmp_path: Path, system: System) -> None:
    record_projection(tmp_path)
    make_unknown(tmp_path)

    (verdict,) = compare(system, tmp_path)

    assert not verdict.holds
    assert verdict.error == math.inf
    assert verdict.note == "nothing replays the kind 'mystery'"


def test_fixtures_of_another_system_are_refused(tmp_path: Path) -> None:
    record_projection(tmp_path)

    with pytest.raises(BadInput, match="fixtures of fantasytalking, expected those of personalive"):
        next(compare("personalive", tmp_path))


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no folder of parity fixtures: .*index\.json is missing"):
        next(compare("fantasytalking", tmp_path))


@pytest.mark.parametrize("index", ["[]", "{}", "{", '{"cases": [{"case": "a"}]}'])
def test_an_index_of_another_format_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "index.json").write_text(index)

    with pytest.raises(BadInput, match="no folder of parity fixtures"):
        next(compare("personalive", tmp_path))


def test_an_index_without_cases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps({"cases": []}))

    with pytest.raises(BadInput, match="names no case"):
        next(compare("personalive", tmp_path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    record_projection(tmp_path)
    (tmp_path / "audio_proj.npz").unlink()

    with pytest.raises(BadInput, match=r"cannot be replayed: .*audio_proj\.npz"):
        list(compare("fantasytalking", tmp_path))
