from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.kit.errors import BadInput
from services.kit.media.driver import probe_driver, read_driver

VideoWriter = Callable[..., Path]


def test_pictures_keep_their_uneven_times(write_video: VideoWriter) -> None:
    times_s = [0.0, 0.04, 0.1, 0.14, 0.3]
    pictures = list(read_driver(write_video("a.mp4", [10, 60, 110, 160, 210], times_s)))
    assert [picture.time_s for picture in pictures] == pytest.approx(times_s, abs=0.002)
    assert [int(picture.pixels.mean()) for picture in pictures] == pytest.approx(
        [10, 60, 110, 160, 210], abs=4
    )


def test_more_pictures_than_needed_are_thinned_out(write_video: VideoWriter) -> None:
    pictures = list(read_driver(write_video("a.mp4", [50] * 120, [n / 120 for n in range(120)])))
    assert 25 <= len(pictures) <= 33


def test_time_starts_with_the_first_picture(write_video: VideoWriter) -> None:
    path = write_video("a.mkv", [10, 60], [0.5, 0.54])
    assert probe_driver(path).start_s == pytest.approx(0.5, abs=0.01)
    assert next(read_driver(path)).time_s == 0.0


def test_large_pictures_are_reduced(write_video: VideoWriter) -> None:
    path = write_video("a.mp4", [50, 50], [0.0, 0.04], size=(1920, 1080))
    assert next(read_driver(path)).pixels.shape == (720, 1280, 3)


def test_a_sideways_film_is_turned_upright(write_video: VideoWriter) -> None:
    path = write_video("a.mp4", [50, 50], [0.0, 0.04], rotation_degrees=90)
    assert next(read_driver(path)).pixels.shape == (64, 48, 3)


def test_a_video_without_pictures_is_refused(
    write_audio: Callable[..., Path], tone: Callable[..., NDArray[np.float32]]
) -> None:
    with pytest.raises(BadInput, match="no video stream"):
        list(read_driver(write_audio("a.wav", tone(0.5))))


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video " * 1000)
    with pytest.raises(BadInput, match="not a sound or video file"):
        list(read_driver(path))
