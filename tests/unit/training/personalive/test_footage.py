"""Videos are cut to clips where the face is seen, framed around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from training.personalive.footage import FootageConfig, Picture, Points, cut_clips, read_video
from training.personalive.prepare import find_videos
from training.personalive.regions import FACE

CONFIG = FootageConfig(size=32, reach=2, shortest=3, longest=5)
CENTRE = np.array([100, 70])


def frames(count: int) -> Iterator[Picture]:
    """Yield dark frames of 200 by 120 pixels with a light square of 40 where the face is."""
    for _ in range(count):
        frame = np.zeros((120, 200, 3), np.uint8)
        frame[50:90, 80:120] = 200
        yield frame


def finder(lost: set[int]) -> Iterator[Points | None]:
    """Yield landmarks along the square's rim, None in the lost frames."""
    angles = np.linspace(0, 2 * np.pi, 478, dtype=np.float32)
    rim = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    points = 20 * rim + np.array([*CENTRE, 0], np.float32)
    index = 0
    while True:
        yield None if index in lost else points.astype(np.float32)
        index += 1


def lengths(count: int, lost: set[int]) -> list[int]:
    found = finder(lost)
    return [len(clip) for clip in cut_clips(frames(count), lambda _: next(found), CONFIG)]


def test_a_clip_ends_where_the_face_is_lost_and_short_ones_are_left_out() -> None:
    assert lengths(10, {4, 7}) == [4]


def test_a_clip_has_an_end() -> None:
    assert lengths(13, set()) == [5, 5, 3]


def test_a_face_fills_half_of_its_clip() -> None:
    found = finder(set())
    (clip,) = cut_clips(frames(3), lambda _: next(found), CONFIG)
    assert clip.pictures.shape == (3, 32, 32, 3)
    light = clip.pictures[0, :, :, 0] > 100
    assert 15 <= light[16].sum() <= 17
    left, top, right, bottom = clip.regions[0, FACE]
    assert (right - left, bottom - top) == (18, 18)
    assert light[top:bottom, left:right].sum() == light.sum()


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.mp4").write_bytes(b"text")
    with pytest.raises(ValueError, match=r"one\.mp4 is not a video"):
        next(read_video(find_videos(tmp_path)[0]))


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no videos"):
        find_videos(tmp_path)
