from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from services.kit.errors import BadInput, Fatal
from services.standalone.output import check_output, fill_output, open_workspace


@pytest.mark.parametrize("name", ["a.avi", "a", "a.mp4.png", "none/a.mp4", "dir.mp4"])
def test_an_output_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "dir.mp4").mkdir()
    with pytest.raises(BadInput, match="output"):
        check_output(tmp_path / name, ())


def test_an_output_that_is_an_input_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.touch()
    os.link(source, tmp_path / "b.mp4")
    for output in (source, tmp_path / "b.mp4", tmp_path / "." / "a.mp4"):
        with pytest.raises(BadInput, match="also an input"):
            check_output(output, (source,))


def test_a_place_that_cannot_be_written_is_told_as_the_users() -> None:
    with pytest.raises(BadInput, match=r"output /proc/a\.mp4 cannot be written"):
        check_output(Path("/proc/a.mp4"), ())


def test_checking_an_output_leaves_nothing_behind(tmp_path: Path) -> None:
    check_output(tmp_path / "a.mp4", ())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["12:30 Ünï %d.mp4", "-a.mp4", f"{'n' * 240}.MP4"])
def test_any_name_can_be_filled(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_output(Path(name), ())
    with open_workspace(Path(name)) as folder:
        (folder / "video").write_bytes(b"video")
        fill_output(folder / "video", Path(name))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, BadInput, RuntimeError])
def test_an_interruption_leaves_the_previous_file_and_nothing_else(
    interruption: type[BaseException], tmp_path: Path
) -> None:
    output = tmp_path / "a.mp4"
    output.write_bytes(b"previous")
    with pytest.raises(interruption), open_workspace(output) as folder:
        _begin_and_fail(folder / "video", interruption)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert output.read_bytes() == b"previous"


def test_a_full_disk_is_told_about_the_output(tmp_path: Path) -> None:
    with (
        pytest.raises(Fatal, match=r"a\.mp4 cannot be completed: no space left"),
        open_workspace(tmp_path / "a.mp4"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def _begin_and_fail(video: Path, interruption: type[BaseException]) -> None:
    video.write_bytes(b"half")
    raise interruption
