from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.kit.errors import BadInput
from services.kit.messages import Direction
from services.standalone.directing import DirectionRequest, read_directions
from services.standalone.terminal import Terminal


def _read(text: str | None = None, timeline: Path | None = None) -> tuple[Direction, ...]:
    request = DirectionRequest(text=text, timeline=timeline)
    return read_directions(request, lambda: 2.0, Terminal(quiet=False, start_s=0.0))


def _write(folder: Path, *texts: str) -> Path:
    path = folder / "timeline.json"
    path.write_text(
        json.dumps([{"start_s": n, "end_s": n + 1, "text": text} for n, text in enumerate(texts)])
    )
    return path


def test_without_a_wish_there_is_no_direction(capsys: pytest.CaptureFixture[str]) -> None:
    assert _read() == ()
    assert capsys.readouterr().err == ""


def test_what_is_understood_needs_no_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [direction.text for direction in _read("smiles and nods")] == ["smiles and nods"]
    assert [direction.end_s for direction in _read(timeline=_write(tmp_path, "smiles", "nods"))] == [1.0, 2.0]
    assert capsys.readouterr().err == ""


def test_words_that_nobody_understands_are_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _read(timeline=_write(tmp_path, "smiles flibberly", "xyzzys flibberly"))
    assert capsys.readouterr().err == "dramatis: not understood and ignored: flibberly, xyzzys\n"


def test_many_such_words_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    _read("smile " + " ".join(f"xq{chr(97 + n)}" for n in range(15)))
    assert capsys.readouterr().err.endswith("xql and 3 more\n")


@pytest.mark.parametrize("text", ["xyzzy", "the", "..."])
def test_a_direction_that_asks_for_nothing_points_to_the_vocabulary(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _read(text)
    [line] = capsys.readouterr().err.splitlines()
    assert "docs/direction.md" in line


def test_a_text_and_a_timeline_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--direction and --timeline exclude each other"):
        _read("smiles", _write(tmp_path, "nods"))


def test_a_timeline_is_compared_with_the_sound(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"entry 3 .* past the end"):
        _read(timeline=_write(tmp_path, "smiles", "nods", "smiles"))
