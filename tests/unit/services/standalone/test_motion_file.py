from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.kit.errors import BadInput, Fatal
from services.kit.live_link import LiveLinkMotion
from services.standalone.motion_file import check_motion_file, write_motion_file

FRAMES = np.random.default_rng(0).uniform(size=(601, 58)).astype(np.float32)


@pytest.fixture
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The motion of a video, as stages store it."""
    path = tmp_path_factory.mktemp("blobs") / "motion"
    path.write_bytes(FRAMES.astype("<f4").tobytes())
    return path


def test_the_ending_chooses_the_format(motion: Path, tmp_path: Path) -> None:
    for name in ("a.csv", "a.JSON"):
        write_motion_file(motion, tmp_path / name)
    text = LiveLinkMotion()
    assert (tmp_path / "a.csv").read_text() == text.head() + text.rows(FRAMES, 0)
    np.testing.assert_allclose(json.loads((tmp_path / "a.JSON").read_text())["frames"], FRAMES, atol=1e-6)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_is_told_about_the_motion_and_leaves_the_previous_file(
    motion: Path, tmp_path: Path
) -> None:
    output = tmp_path / "a.csv"
    output.write_text("previous")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(Fatal, match=r"motion .*a\.csv cannot be completed: file too large"):
            write_motion_file(motion, output)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert output.read_text() == "previous"
    assert list(tmp_path.iterdir()) == [output]


def _as_input(folder: Path) -> Path:
    (folder / "a.json").write_text("[]")
    return folder / "a.json"


@pytest.mark.parametrize(
    ("choose", "about"),
    [
        (lambda folder: folder / "a.txt", "expected '.csv' or '.json'"),
        (lambda folder: folder / "none" / "a.csv", "does not exist"),
        (lambda folder: folder, "is a directory"),
        (lambda folder: Path("/proc/a.csv"), "cannot be written"),
        (_as_input, "is also an input"),
    ],
)
def test_a_place_that_cannot_take_motion_is_refused(
    choose: Callable[[Path], Path], about: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=about) as refusal:
        check_motion_file(choose(tmp_path), (None, tmp_path / "a.json"))
    assert str(refusal.value).startswith("motion ")
