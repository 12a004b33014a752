"""Films become clips on the model's clocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.training.fantasytalking.people import CLIP
from training.fantasytalking.clips import Clip
from training.fantasytalking.footage import FootageConfig, cut_clips, on_clock, read_pictures, read_sound

CONFIG = FootageConfig(clip=CLIP, shortest=3, longest=5)
SOUND = np.arange(16_000, dtype=np.float32)
Picture = NDArray[np.uint8]


def pictures(count: int) -> Iterator[Picture]:
    for index in range(count):
        yield np.full((32, 64, 3), index, np.uint8)


def clips(count: int, lost: set[int]) -> list[Clip]:
    """Cut pictures of a face at (32, 16), which is not seen in the lost ones."""

    def find_face(picture: Picture) -> NDArray[np.float32] | None:
        if int(picture[0, 0, 0]) in lost:
            return None
        return np.tile(np.array([32, 16, 8], np.float32), (478, 1))

    def find_body(_: Picture) -> NDArray[np.float32]:
        return np.tile(np.array([64, 32, 1], np.float32), (33, 1))

    return list(cut_clips(pictures(count), SOUND, find_face, find_body, CONFIG, "hello"))


def test_a_clip_ends_where_the_face_is_lost_and_short_ones_are_left_out() -> None:
    assert [len(clip) for clip in clips(10, {4, 7})] == [4]


def test_a_clip_has_an_end() -> None:
    assert [len(clip) for clip in clips(13, set())] == [5, 5, 3]


def test_a_clip_has_the_sound_and_the_prompt_of_its_frames() -> None:
    _, second = clips(8, set())
    assert int(second.sound[0]) == int(5 / 23 * 16_000)
    assert len(second.sound) == int(8 / 23 * 16_000) - int(5 / 23 * 16_000)
    assert second.prompt == "hello"


def test_a_clip_is_silent_where_the_sound_has_ended() -> None:
    *_, last = clips(25, set())
    first, end = int(20 / 23 * 16_000), int(25 / 23 * 16_000)
    assert len(last.sound) == end - first
    assert np.array_equal(last.sound[: len(SOUND) - first], SOUND[first:])
    assert not last.sound[len(SOUND) - first :].any()


def test_landmarks_and_joints_lie_in_pictures_of_the_models_size() -> None:
    (clip,) = clips(3, set())
    assert clip.pictures.shape == (3, 16, 32, 3)
    assert clip.landmarks[0, 0].tolist() == [16, 8, 4]
    assert clip.joints[0, 0].tolist() == [32, 16, 1]


def test_every_tick_shows_the_nearest_picture() -> None:
    times = [0.0, 0.1, 0.14, 0.4]
    shown = on_clock(zip(times, pictures(4), strict=True), rate_hz=10)
    assert [int(picture[0, 0, 0]) for picture in shown] == [0, 1, 2, 3, 3]


def test_a_film_without_pictures_shows_nothing() -> None:
    assert list(on_clock([], 23)) == []


def test_a_file_that_is_no_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.mp4").write_bytes(b"text")
    with pytest.raises(ValueError, match=r"one\.mp4 is not a video"):
        next(read_pictures(tmp_path / "one.mp4"))


def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "silent.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, width=32, height=32, pix_fmt="yuv420p")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        container.mux(stream.encode(None))
    with pytest.raises(ValueError, match=r"silent\.mkv has no sound"):
        read_sound(path, 16_000)
