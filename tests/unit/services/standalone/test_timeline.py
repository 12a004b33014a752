from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.kit.errors import BadInput
from services.kit.messages import Direction
from services.standalone.timeline import Timeline, read_direction, read_timeline


def _write(folder: Path, content: Any) -> Path:
    path = folder / "timeline.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def _entry(start_s: Any = 0, end_s: Any = 1.5, text: Any = "smiles", **more: Any) -> dict[str, Any]:
    return {"start_s": start_s, "end_s": end_s, "text": text, **more}


def test_a_timeline_becomes_directions_in_its_order(tmp_path: Path) -> None:
    path = _write(tmp_path, [_entry(2, None, "nods"), _entry(0, 1.5, "smiles"), _entry(1.5, 2.0, "looks up")])
    assert read_timeline(path).entries == (
        Direction(start_s=2.0, end_s=0.0, text="nods"),
        Direction(start_s=0.0, end_s=1.5, text="smiles"),
        Direction(start_s=1.5, end_s=2.0, text="looks up"),
    )


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "timeline.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([_entry()]).encode())
    assert len(read_timeline(path).entries) == 1


@pytest.mark.parametrize(
    ("content", "about"),
    [
        ("[{", "is not JSON"),
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('[{"start_s": NaN, "end_s": 1, "text": "smiles"}]', "is not JSON: NaN is not a number"),
        (f'"{"a" * (1 << 20)}"', "has 1048578 bytes"),
        (_entry(), "holds an object, expected a list"),
        (None, "holds null, expected a list"),
        ([], "has 0 entries, expected 1 to 100"),
        ([_entry(n, n + 1) for n in range(101)], "has 101 entries"),
        ([_entry(), 3], r"entry 2 \(3\) is a number, expected an object"),
        ([_entry(speed=2)], "entry 1 .* has the unknown field 'speed', expected start_s, end_s, text"),
        ([{"end_s": 1, "text": "smiles"}], "entry 1 .* has no start_s"),
        ([{"start_s": 0, "end_s": 1}], "entry 1 .* has no text"),
        ([_entry(text="")], "entry 1 .* has a text that is empty"),
        ([_entry(text=" \n")], "entry 1 .* has a text that is empty"),
        ([_entry(text="a" * 501)], "has a text that has 501 characters, expected at most 500"),
        ([_entry(text=["smiles"])], "has a list as text"),
        ([_entry("0")], "has a text as start_s, expected seconds"),
        ([_entry(True)], "has true or false as start_s"),
        ([_entry(None)], "has null as start_s"),
        ([_entry(0, "1")], "has a text as end_s, expected seconds"),
        ([_entry(-0.5)], "has -0.5 as start_s, expected 0 to 86400 seconds"),
        ([_entry(0, -1)], "has -1 as end_s"),
        ('[{"start_s": 1e999, "text": "smiles"}]', "has inf as start_s"),
        (f'[{{"start_s": 1{"0" * 400}, "text": "smiles"}}]', r"has 10+\.\.\. as start_s"),
        ([_entry(2, 1)], r"entry 1 \({\"start_s\": 2, .*}\) ends at 1 s, not after it begins at 2 s"),
        ([_entry(1, 1)], "ends at 1 s, not after"),
        ([_entry(0, 0)], "ends at 0 s, not after"),
        (
            [_entry(0, 2, "nods"), _entry(3, 4), _entry(1.5, 3)],
            r'entry 3 \(1.5 to 3 s, "smiles"\) overlaps with entry 1 \(0 to 2 s, "nods"\)',
        ),
        (
            [_entry(0, None, "nods"), _entry(3, 4)],
            r'entry 2 \(3 to 4 s, "smiles"\) overlaps with entry 1 \(0 to the end, "nods"\)',
        ),
    ],
)
def test_a_timeline_that_cannot_be_followed_is_refused(content: Any, about: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=about) as refusal:
        read_timeline(_write(tmp_path, content))
    assert str(refusal.value).startswith(f"timeline {tmp_path / 'timeline.json'}")
    assert len(str(refusal.value)) < 400


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: no such file"):
        read_timeline(tmp_path / "none.json")
    with pytest.raises(BadInput, match="cannot be read: is a directory"):
        read_timeline(tmp_path)


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 0.0), (1.9, 0.0), (0.0, 2.0), (0.0, 2.03)])
def test_an_entry_within_the_sound_is_accepted(start_s: float, end_s: float) -> None:
    _timeline(start_s, end_s).check_within(2.0)


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 0.0), (5.0, 6.0), (0.0, 2.05)])
def test_an_entry_past_the_end_of_the_sound_is_refused(start_s: float, end_s: float) -> None:
    with pytest.raises(BadInput, match=r"entry 2 .* lies past the end of the sound, which lasts 2.00 s"):
        _timeline(start_s, end_s).check_within(2.0)


def _timeline(start_s: float, end_s: float) -> Timeline:
    first = Direction(start_s=0.0, end_s=0.1, text="nods")
    second = Direction(start_s=start_s, end_s=end_s, text="smiles")
    return Timeline(path=Path("t.json"), entries=(first, second))


@pytest.mark.parametrize("text", ["", " \t", "a" * 501])
def test_a_direction_without_text_or_with_too_much_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="direction"):
        read_direction(text)


def test_a_direction_is_in_force_from_the_beginning_to_the_end() -> None:
    assert read_direction("smiles") == Direction(start_s=0.0, end_s=0.0, text="smiles")
