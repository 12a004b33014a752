from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.kit.errors import BadInput, Fatal
from services.kit.live_link import LiveLinkMotion
from services.standalone.motion_file import check_motion_file, open_motion_file

FRAMES = np.random.default_rng(0).uniform(size=(7, 58)).astype(np.float32)


def _record(output: Path) -> None:
    with open_motion_file(output) as motion:
        asyncio.run(motion.append(FRAMES[:5]))
        asyncio.run(motion.append(FRAMES[5:]))
        motion.complete()


def test_the_ending_chooses_the_format(tmp_path: Path) -> None:
    for name in ("a.csv", "a.JSON"):
        _record(tmp_path / name)
    text = LiveLinkMotion()
    assert (tmp_path / "a.csv").read_text() == text.head() + text.rows(FRAMES, 0)
    np.testing.assert_allclose(json.loads((tmp_path / "a.JSON").read_text())["frames"], FRAMES, atol=1e-6)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, BadInput, None])
def test_what_was_not_completed_leaves_the_previous_file(
    interruption: type[BaseException] | None, tmp_path: Path
) -> None:
    output = tmp_path / "a.csv"
    output.write_text("previous")

    def fail() -> None:
        with open_motion_file(output) as motion:
            asyncio.run(motion.append(FRAMES))
            if interruption is not None:
                raise interruption

    if interruption is None:
        fail()
    else:
        with pytest.raises(interruption):
            fail()
    assert output.read_text() == "previous"
    assert list(tmp_path.iterdir()) == [output]


def test_a_full_disk_is_told_about_the_motion(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(Fatal, match=r"motion .*a\.csv cannot be completed: file too large"):
            _record(tmp_path / "a.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


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
