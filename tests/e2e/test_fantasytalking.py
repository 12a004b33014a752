"""FantasyTalking performed by the command, with tiny weights."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from services.kit.errors import BadInput
from services.standalone.main import command
from tests.servers.processes import wait_until
from tests.unit.services.generation.fantasytalking.folders import make_folders

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Weights of the engine, where the settings name them."""
    folders = make_folders(tmp_path_factory.mktemp("networks"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENERATION_WEIGHTS__FANTASYTALKING", str(folders.network))
        patch.setenv("GENERATION_FANTASYTALKING__WAN", str(folders.wan))
        patch.setenv("GENERATION_FANTASYTALKING__WAV2VEC2", str(folders.speech))
        yield


def _arguments(portrait: Path, speech: Path, output: Path) -> list[str]:
    files = ["perform", str(portrait), "--speech", str(speech), "--output", str(output)]
    return [*files, "--engine", "fantasytalking", "--size", "64", "--direction", "juggles oranges"]


@pytest.fixture(scope="module")
def film(
    dramatis: Run, example_portrait: Path, short_speech: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    output = tmp_path_factory.mktemp("film") / "out.mp4"
    return output, dramatis(*_arguments(example_portrait, short_speech, output))


def test_one_command_makes_the_video_and_says_so(
    film: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    output, result = film
    assert (result.returncode, result.stdout.startswith(f"{output}: 1.92 s of video in ")) == (0, True)
    assert result.stderr == ""
    assert [path.name for path in output.parent.iterdir()] == ["out.mp4"]


def test_it_has_the_sound_and_the_length_of_the_speech(
    film: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    with av.open(str(film[0])) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.frames, video.codec_context.width) == (48, 64)
        assert video.average_rate == 25
        assert audio.duration is not None
        assert audio.time_base is not None
        assert float(audio.duration * audio.time_base) == pytest.approx(1.9, abs=0.07)


def test_made_again_it_is_the_same_to_the_bit(
    film: tuple[Path, subprocess.CompletedProcess[str]],
    example_portrait: Path,
    short_speech: Path,
    tmp_path: Path,
) -> None:
    again = tmp_path / "again.mp4"
    arguments = _arguments(example_portrait, short_speech, again)
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).exit_code == 0
    assert again.read_bytes() == film[0].read_bytes()


def test_two_processes_that_share_the_weights_make_the_same_video_and_end_with_it(
    film: tuple[Path, subprocess.CompletedProcess[str]],
    dramatis: Run,
    example_portrait: Path,
    short_speech: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = tmp_path / "together.mp4"
    monkeypatch.setenv("GENERATION_FANTASYTALKING__PROCESSES", "2")
    monkeypatch.setenv("GENERATION_FANTASYTALKING__MEMORY", "sharded")
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'proto' / 'gen'}")
    # What it starts inherits it.
    monkeypatch.setenv("DRAMATIS_TEST", str(tmp_path))

    result = dramatis(*_arguments(example_portrait, short_speech, together))

    assert result.returncode == 0, result.stderr
    wait_until(lambda: not _processes_with(str(tmp_path)), 60, "the processes to end")
    far = np.abs(_pictures(together).astype(int) - _pictures(film[0]).astype(int))
    assert far.max() <= 1


def _pictures(path: Path) -> NDArray[np.uint8]:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def _processes_with(value: str) -> list[str]:
    """Processes that began with this in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if value.encode() in (process / "environ").read_bytes():
                found.append(process.name)
    return found


@pytest.mark.parametrize(
    ("unset", "refusal"),
    [
        ("WEIGHTS__FANTASYTALKING", "engine fantasytalking has no weights"),
        ("FANTASYTALKING__WAN", "expected folders in GENERATION_FANTASYTALKING__WAN as well"),
    ],
)
def test_an_engine_that_is_not_whole_is_refused(
    unset: str,
    refusal: str,
    example_portrait: Path,
    short_speech: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(f"GENERATION_{unset}")

    with pytest.raises(BadInput, match=refusal):
        command.main(_arguments(example_portrait, short_speech, tmp_path / "x.mp4"), standalone_mode=False)


def test_an_engine_without_motion_writes_none(
    dramatis: Run, example_portrait: Path, short_speech: Path, tmp_path: Path
) -> None:
    motion = tmp_path / "motion.csv"
    arguments = _arguments(example_portrait, short_speech, tmp_path / "x.mp4")

    result = dramatis(*arguments, "--motion", motion)

    expected = f"dramatis: error: motion {motion} cannot be written: engine fantasytalking makes none\n"
    assert (result.returncode, result.stderr) == (2, expected)
