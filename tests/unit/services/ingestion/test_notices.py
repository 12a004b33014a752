from __future__ import annotations

import pytest

from services.ingestion.notices import notices_of
from services.kit.messages import Direction


@pytest.mark.parametrize(
    ("speech_s", "listen_s", "expected"),
    [
        (3.5, 2.37, "listen lasts 2.37 s, 1.13 s less than speech: it counts as absent from 2.4 s on"),
        (0.6, 9.0, "speech lasts 0.60 s, 8.40 s less than listen: it counts as absent from 0.6 s on"),
    ],
)
def test_a_shorter_track_is_told_with_where_it_ends(speech_s: float, listen_s: float, expected: str) -> None:
    [notice] = notices_of({"speech": speech_s, "listen": listen_s}, [])
    assert notice.detail == expected
    assert notice.code == f"{expected.split()[0]}_shorter"


@pytest.mark.parametrize("lengths_s", [(3.0, 3.0), (3.0, 2.81), (3.03, 3.0), (3.0, 3.001)])
def test_tracks_that_end_in_the_same_chunk_or_frame_need_no_word(lengths_s: tuple[float, float]) -> None:
    assert notices_of(dict(zip(("speech", "listen"), lengths_s, strict=True)), []) == ()


def test_a_track_alone_needs_no_word() -> None:
    assert notices_of({"listen": 2.0}, []) == ()


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (5.0, 0.0, "the direction from 5 s on is never in force: the performance lasts 3.00 s"),
        (4.0, 5.5, "the direction from 4 s to 5.5 s is never in force: the performance lasts 3.00 s"),
        (1.25, 1.35, "the direction from 1.25 s to 1.35 s is never in force: directions change every 0.2 s"),
    ],
)
def test_a_direction_that_was_never_in_force_is_told_with_why(
    start_s: float, end_s: float, expected: str
) -> None:
    [notice] = notices_of({"speech": 3.0}, [Direction(start_s=start_s, end_s=end_s, text="smile")])
    assert (notice.code, notice.detail) == ("direction_unused", expected)
