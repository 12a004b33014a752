"""Reenactment with an engine whose weights are configured: tiny ones, that were never trained."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests.servers.videos import DRIVER_FRAMES, write_driver
from tests.unit.services.generation.served import write_weights

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def driver(example_portrait: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_driver(example_portrait, tmp_path_factory.mktemp("driver") / "driver.mp4", pixels_a_frame=3)


@pytest.fixture
def permitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENERATION_WEIGHTS__PERSONALIVE", str(write_weights(tmp_path / "weights")))
    monkeypatch.setenv("GENERATION_ALLOW_NONCOMMERCIAL", "true")
    monkeypatch.setenv("GENERATION_APPROXIMATE__LEAVING_EARLY", "true")


@pytest.mark.usefixtures("permitted")
def test_the_portrait_follows_the_driver_to_its_last_frame_twice_alike(
    dramatis: Run, example_portrait: Path, driver: Path, tmp_path: Path
) -> None:
    videos = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for video in videos:
        result = dramatis(
            *("reenact", example_portrait, "--driver", driver, "--output", video),
            *("--size", "128", "--engine", "personalive"),
        )
        assert (result.returncode, result.stderr) == (0, "")
    with av.open(str(videos[0])) as container:
        stream = container.streams.video[0]
        assert (stream.frames, stream.codec_context.width) == (DRIVER_FRAMES, 128)
        assert float(stream.average_rate or 0) == 25
    assert videos[0].read_bytes() == videos[1].read_bytes()


@pytest.mark.usefixtures("permitted")
def test_an_engine_that_leaves_early_follows_the_driver_to_its_last_frame_as_well(
    dramatis: Run, example_portrait: Path, driver: Path, tmp_path: Path
) -> None:
    video = tmp_path / "early.mp4"
    result = dramatis(
        *("reenact", example_portrait, "--driver", driver, "--output", video),
        *("--size", "128", "--engine", "personalive_early"),
    )
    assert (result.returncode, result.stderr) == (0, "")
    with av.open(str(video)) as container:
        assert container.streams.video[0].frames == DRIVER_FRAMES


@pytest.mark.parametrize(
    ("variables", "options", "found"),
    [
        (
            {},
            (),
            "engine personalive has no weights, expected the name of their folder in GENERATION_",
        ),
        ({"GENERATION_WEIGHTS__PERSONALIVE": "w"}, (), "allow it with GENERATION_ALLOW_NONCOMMERCIAL=true"),
        (
            {"GENERATION_WEIGHTS__PERSONALIVE": "w", "GENERATION_ALLOW_NONCOMMERCIAL": "true"},
            ("--motion", "out.csv"),
            "motion out.csv cannot be written: engine personalive makes none",
        ),
        (
            {"GENERATION_WEIGHTS__PERSONALIVE": "w", "GENERATION_ALLOW_NONCOMMERCIAL": "true"},
            ("--engine", "personalive_early"),
            "not served unasked, expected GENERATION_APPROXIMATE__LEAVING_EARLY=true",
        ),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_line(
    dramatis: Run,
    example_portrait: Path,
    driver: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    options: tuple[str, ...],
    found: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    output = tmp_path / "out.mp4"
    result = dramatis(
        *("reenact", example_portrait, "--driver", driver, "--output", output),
        *("--engine", "personalive", *options),
    )
    assert result.returncode == 2
    assert found in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not output.exists()
