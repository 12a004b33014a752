from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pytest

from services.encoding import footage
from services.encoding.faults import Fault
from services.encoding.footage import encode_footage, to_jpeg
from services.kit.contracts import FloatArray, Picture, Pixels
from services.kit.engines import EngineClock

CLOCK = EngineClock(chunk_frames=4, lag=3)


class Tracker:
    """Sees a face where the first pixel of a picture says so: that many pixels from the left."""

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def read(self, frame: Pixels) -> FloatArray | None:
        if not frame[0, 0, 0]:
            return None
        points = np.full((478, 3), float(frame[0, 0, 0]), np.float32)
        # Forehead and chin.
        points[10, 1], points[152, 1] = 80, 116
        return points


@pytest.fixture(autouse=True)
def _tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "FaceTracker", Tracker)


def filmed(places: Sequence[int], rate_hz: float = 25.0) -> Iterator[Picture]:
    """A picture for each place of a face, 0 for none; pictures are as bright as their number."""
    for number, place in enumerate(places):
        pixels = np.full((200, 300, 3), 10 * number, np.uint8)
        pixels[0, 0] = place
        yield Picture(time_s=number / rate_hz, pixels=pixels)


def brightness(data: bytes) -> int | None:
    if not data:
        return None
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), 0)
    assert picture is not None
    return round(float(picture.mean()) / 10)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, [0, 0, 0, 1]),
        (4, [0, 0, 0, 4]),
        (5, [0, 0, 0, 4, 1]),
        (12, [0, 0, 0, 4, 4, 4]),
        (14, [0, 0, 0, 4, 4, 4, 2]),
        (16, [0, 0, 0, 4, 4, 4, 4]),
    ],
)
def test_as_many_frames_leave_as_came_three_chunks_later(count: int, shown: list[int]) -> None:
    chunks = list(encode_footage(filmed([150] * count), CLOCK))
    assert [chunk.num_frames for chunk in chunks] == shown
    assert [chunk.sequence for chunk in chunks] == list(range(len(shown)))
    assert all(len(chunk.pictures) == 4 for chunk in chunks)
    pictures = [data for chunk in chunks for data in chunk.pictures]
    assert [brightness(data) for data in pictures[:count]] == list(range(count))
    assert set(pictures[count:]) <= {b""}


def test_where_no_face_is_seen_there_is_no_picture() -> None:
    (first, *_) = encode_footage(filmed([0, 150, 0, 150]), CLOCK)
    assert [brightness(data) for data in first.pictures] == [None, 1, None, 3]


def test_a_face_that_leaves_the_square_of_the_first_one_is_not_seen() -> None:
    (first, *_) = encode_footage(filmed([50, 60, 255, 70]), CLOCK)
    assert [brightness(data) for data in first.pictures] == [0, 1, None, 3]


def test_a_driver_of_another_rate_is_put_on_the_frame_clock() -> None:
    (first, second, *_) = encode_footage(filmed([150] * 4, rate_hz=10), CLOCK)
    assert [brightness(data) for data in first.pictures] == [0, 0, 1, 1]
    assert [brightness(data) for data in second.pictures] == [2, 2, 2, 3]


def test_a_driver_that_shows_no_face_is_refused_before_anything_is_performed() -> None:
    with pytest.raises(Fault, match="driver cannot be used") as caught:
        next(encode_footage(filmed([0] * 9), CLOCK))
    assert caught.value.code == "driver_without_face"


def test_a_face_that_comes_late_loses_no_frame_before_it() -> None:
    chunks = list(encode_footage(filmed([0] * 9 + [150] * 2), CLOCK))
    pictures = [data for chunk in chunks for data in chunk.pictures]
    assert [brightness(data) for data in pictures[:11]] == [None] * 9 + [9, 10]
    assert sum(chunk.num_frames for chunk in chunks) == 11


def test_four_pictures_of_anything_travel_inline() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    assert 4 * len(to_jpeg(noise)) < 400 * 1024
