from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.domain import (
    InputFault,
    Newest,
    check_directions,
    check_length,
    check_text,
    in_force,
    num_frames,
    num_pictures,
)
from services.kit.messages import Direction


def direction(start_s: float, end_s: float) -> Direction:
    return Direction(start_s=start_s, end_s=end_s, text="happy")


@pytest.mark.parametrize(
    ("start_s", "end_s", "is_in_force"),
    [
        (0.0, 0.0, True),
        (0.0, 1.0, False),
        (0.0, 1.1, True),
        (1.0, 1.05, True),
        (1.0000001, 0.0, True),
        (0.0, 1.0000001, False),
        (1.01, 0.0, False),
    ],
)
def test_a_direction_is_in_force_from_its_start_to_before_its_end(
    start_s: float, end_s: float, is_in_force: bool
) -> None:
    given_direction = direction(start_s, end_s)
    assert in_force([given_direction], 1.0) == ((given_direction,) if is_in_force else ())


@given(st.floats(0, 100), st.floats(0.21, 100))
def test_a_direction_of_a_chunk_or_more_begins_and_ends_with_the_chunk_after(
    start_s: float, length_s: float
) -> None:
    asked = direction(start_s, start_s + length_s)
    chunks = [index for index in range(1002) if in_force([asked], index * 0.2)]
    assert chunks == list(range(chunks[0], chunks[-1] + 1))
    assert -1e-5 <= chunks[0] * 0.2 - start_s < 0.2
    assert -1e-5 <= (chunks[-1] + 1) * 0.2 - (start_s + length_s) < 0.2


@given(st.integers(1, 1000))
def test_a_time_added_up_from_chunks_is_the_beginning_of_one(count: int) -> None:
    asked = direction(sum([0.2] * count), 0.0)
    assert [in_force([asked], chunk / 5) for chunk in (count - 1, count)] == [(), (asked,)]


@pytest.mark.parametrize(
    ("duration_s", "frames"), [(0.0005, 1), (0.04, 1), (0.0405, 1), (0.042, 2), (1.0, 25), (1.01, 26)]
)
def test_a_begun_picture_is_counted(duration_s: float, frames: int) -> None:
    assert num_frames(duration_s, 25) == frames


@pytest.mark.parametrize(("duration_s", "frames"), [(0.0, 1), (0.04, 1), (0.99, 24), (1.0, 25), (1.02, 25)])
def test_a_driver_gives_the_pictures_that_are_over(duration_s: float, frames: int) -> None:
    assert num_pictures(duration_s, 25) == frames


@given(st.integers(1, 10_000))
def test_whole_pictures_are_counted_exactly(count: int) -> None:
    assert num_frames(count / 25, 25) == count
    assert num_pictures(count / 25, 25) == count


@pytest.mark.parametrize(("duration_s", "max_s"), [(5.0, 5.0), (5.03, 5.0), (1e9, 0.0)])
def test_a_length_within_the_limit_passes(duration_s: float, max_s: float) -> None:
    check_length("speech", duration_s, max_s)


@pytest.mark.parametrize("duration_s", [5.05, math.inf])
def test_a_length_above_the_limit_is_a_fault(duration_s: float) -> None:
    with pytest.raises(InputFault, match="expected at most 5 s") as caught:
        check_length("speech", duration_s, 5.0)
    assert caught.value.code == "too_long"


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 0.0), (4.9, 0.0), (4.0, 5.0), (4.0, 5.04)])
def test_a_direction_within_the_performance_passes(start_s: float, end_s: float) -> None:
    check_directions([direction(start_s, end_s)], 5.0)


@pytest.mark.parametrize(
    ("start_s", "end_s", "times"),
    [(5.0, 0.0, "from 5 s on"), (4.0, 5.1, "from 4 s to 5.1 s"), (7.5, 8.0, "from 7.5 s to 8 s")],
)
def test_a_direction_past_the_end_is_a_fault(start_s: float, end_s: float, times: str) -> None:
    with pytest.raises(
        InputFault, match=f"{times} lies past the end: the performance lasts 5.00 s"
    ) as caught:
        check_directions([direction(0.0, 1.0), direction(start_s, end_s)], 5.0)
    assert caught.value.code == "timeline_past_end"


@pytest.mark.parametrize("text", ["Hello", " Hello\n", "Zwei\tZeilen\r\n", "你好", "50 %", "e\u0301"])
def test_a_text_with_words_can_be_spoken(text: str) -> None:
    assert check_text(text, 100).strip() == check_text(text, 100) != ""


@pytest.mark.parametrize("text", ["", " \n", "?!", "\U0001f600", "a\x00b", "a\x1b[31m", "a\ud800", "a\ue000"])
def test_a_text_without_words_or_with_hidden_characters_cannot(text: str) -> None:
    with pytest.raises(InputFault) as caught:
        check_text(text, 100)
    assert caught.value.code == "text_unspeakable"


@given(st.text())
def test_a_text_that_passes_holds_no_control_character(text: str) -> None:
    try:
        spoken = check_text(text, 50)
    except InputFault:
        return
    assert len(spoken) <= 50
    assert not any(ord(character) < 32 and character not in "\t\n\r" for character in spoken)


def test_the_newest_number_wins_and_memory_is_bounded() -> None:
    newest = Newest()
    newest.note(("t", "s"), 3)
    newest.note(("t", "s"), 1)
    assert newest.of(("t", "s")) == 3
    for number in range(5000):
        newest.note(("t", str(number)), 1)
    assert newest.of(("t", "s")) == -1
    assert newest.of(("t", "4999")) == 1
