from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.kit.errors import BadInput
from services.kit.messages import Direction, MotionIntensity
from services.standalone.directing import DirectionRequest, read_directions, read_intensity, read_prompt
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


def test_motion_intensity_that_nobody_asks_for_is_none() -> None:
    assert read_intensity(None, None) is None


def test_a_motion_intensity_of_one_part_leaves_the_other_as_usual() -> None:
    assert read_intensity(0.0, None) == MotionIntensity(face=0.0, body=0.5)
    assert read_intensity(None, 1.0) == MotionIntensity(face=0.5, body=1.0)


@pytest.mark.parametrize(
    ("face", "body", "text"),
    [
        (1.5, None, "--motion-intensity-face is 1.5, expected 0 to 1"),
        (0.5, -0.1, "--motion-intensity-body is -0.1, expected 0 to 1"),
        (float("nan"), None, "--motion-intensity-face is nan, expected 0 to 1"),
    ],
)
def test_a_motion_intensity_out_of_range_is_refused_by_its_option(
    face: float | None, body: float | None, text: str
) -> None:
    with pytest.raises(BadInput, match=text):
        read_intensity(face, body)


def test_a_prompt_may_be_of_any_words(capsys: pytest.CaptureFixture[str]) -> None:
    (direction,) = read_prompt(DirectionRequest(text="juggles oranges", timeline=None), "fantasytalking")

    assert direction.text == "juggles oranges"
    assert capsys.readouterr().err == ""


def test_a_timeline_is_no_prompt(tmp_path: Path) -> None:
    request = DirectionRequest(text=None, timeline=_write(tmp_path, "smiles"))

    with pytest.raises(BadInput, match="--timeline cannot be followed: engine fantasytalking takes one"):
        read_prompt(request, "fantasytalking")
