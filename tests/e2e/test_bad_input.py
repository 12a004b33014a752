from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def broken(tmp_path: Path, example_portrait: Path, example_speech: Path) -> Path:
    """A folder of unusable inputs."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "empty").touch()
    (folder / "text.wav").write_text("this is not sound")
    (folder / "truncated.jpg").write_bytes(example_portrait.read_bytes()[:9000])
    (folder / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(100_000))
    picture = Image.new("RGB", (400, 300), (90, 120, 160))
    ImageDraw.Draw(picture).polygon([(50, 250), (200, 40), (350, 250)], fill=(40, 90, 40))
    picture.save(folder / "mountain.png")
    for name, num_samples in (("none.wav", 0), ("short.wav", 300)):
        with wave.open(str(folder / name), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(bytes(2 * num_samples))
    return folder


def _complains(result: subprocess.CompletedProcess[str], about: str) -> bool:
    lines = result.stderr.splitlines()
    return len(lines) == 1 and lines[0].startswith("dramatis: error: ") and about in lines[0]


@pytest.mark.parametrize(
    ("portrait", "about"),
    [
        ("missing.png", "does not exist"),
        ("empty", "is empty"),
        (".", "is a directory"),
        ("text.wav", "not a readable picture"),
        ("truncated.jpg", "truncated"),
        ("mountain.png", "no face"),
    ],
)
def test_an_unusable_portrait_is_one_line_and_exit_2(
    portrait: str, about: str, broken: Path, example_speech: Path, dramatis: Run, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    result = dramatis("perform", broken / portrait, "--speech", example_speech, "--output", output)
    assert result.returncode == 2
    assert _complains(result, about)
    assert not list(tmp_path.glob("*.mp4*"))


@pytest.mark.parametrize(
    ("speech", "about"),
    [
        ("missing.wav", "does not exist"),
        ("empty", "is empty"),
        (".", "is a directory"),
        ("text.wav", "not a sound or video file"),
        ("noise.mp3", "speech"),
        ("mountain.png", "not a sound or video file"),
        ("none.wav", "no decodable audio"),
        ("short.wav", "at least one frame"),
    ],
)
def test_an_unusable_speech_is_one_line_and_exit_2(
    speech: str, about: str, broken: Path, example_portrait: Path, dramatis: Run, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    result = dramatis("perform", example_portrait, "--speech", broken / speech, "--output", output)
    assert result.returncode == 2
    assert _complains(result, about)
    assert not list(tmp_path.glob("*.mp4*"))


@pytest.mark.parametrize(
    ("options", "about"),
    [
        (("--output", "out.avi"), "expected '.mp4'"),
        (("--output", "none/out.mp4"), "does not exist"),
        (("--output", "."), "is a directory"),
        (("--output", "/proc/out.mp4"), "cannot be written"),
        (("--output", "out.mp4", "--size", "0"), "even number"),
        (("--output", "out.mp4", "--size", "511"), "even number"),
        (("--output", "out.mp4", "--size", "1000000"), "even number"),
        (("--output", "out.mp4", "--size", "big"), "not a valid integer"),
        (("--output", "out.mp4", "--seed", "-1"), "--seed"),
        (("--output", "out.mp4", "--face", "0"), "--face"),
        (("--output", "out.mp4", "--face", "2"), "shows 1 face"),
        (("--output", "out.mp4", "--engine", "other"), "--engine"),
        (("--output", "out.mp4", "--direction", ""), "direction is empty"),
        (("--output", "out.mp4", "--motion-intensity-face", "1.5"), "--motion-intensity-face is 1.5"),
        (("--output", "out.mp4", "--direction", "a" * 501), "direction has 501 characters"),
        (("--output", "out.mp4", "--timeline", "/none.json"), "timeline /none.json cannot be read"),
        (("--output", "out.mp4", "--timeline", "/dev/null", "--direction", "nods"), "exclude each other"),
        (("--output", "out.mp4", "--motion", "out.mp4"), "expected '.csv' or '.json'"),
        (("--output", "out.mp4", "--motion", "/none/out.csv"), "motion directory /none does not exist"),
        (("--output", "out.mp4", "--nonsense"), "--nonsense"),
        ((), "--output"),
    ],
)
def test_an_unusable_option_is_one_line_and_exit_2(
    options: tuple[str, ...],
    about: str,
    example_portrait: Path,
    example_speech: Path,
    dramatis: Run,
    tmp_path: Path,
) -> None:
    placed = [
        str(tmp_path / option) if option in ("out.avi", "none/out.mp4", ".", "out.mp4") else option
        for option in options
    ]
    result = dramatis("perform", example_portrait, "--speech", example_speech, *placed)
    assert result.returncode == 2
    assert _complains(result, about)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("entries", "about"),
    [
        ('{"text": "smiles"}', "holds an object, expected a list"),
        ("[]", "has 0 entries"),
        ('[{"start_s": 0, "text": "nods"}, {"start_s": 9.0, "end_s": 60.0, "text": "smiles"}]', "entry 2"),
        ('[{"start_s": 0, "end_s": 3, "text": "nods"}, {"start_s": 1, "text": "smiles"}]', "overlaps with"),
        ('[{"start_s": 0, "end_s": 60, "text": "nods"}]', 'entry 1 (0 to 60 s, "nods") lies past the end'),
    ],
)
def test_an_unusable_timeline_is_one_line_and_exit_2(
    entries: str, about: str, example_portrait: Path, example_speech: Path, dramatis: Run, tmp_path: Path
) -> None:
    timeline, output = tmp_path / "timeline.json", tmp_path / "out.mp4"
    timeline.write_text(entries)
    options = ("--speech", example_speech, "--timeline", timeline, "--output", output)
    result = dramatis("perform", example_portrait, *options)
    assert result.returncode == 2
    assert _complains(result, about)
    assert list(tmp_path.iterdir()) == [timeline]


def test_an_output_that_is_an_input_is_refused(dramatis: Run, example_portrait: Path, tmp_path: Path) -> None:
    driver = tmp_path / "driver.mp4"
    driver.write_bytes(b"precious")
    result = dramatis("reenact", example_portrait, "--driver", driver, "--output", driver)
    assert result.returncode == 2
    assert _complains(result, "also an input")
    assert driver.read_bytes() == b"precious"


def test_a_driver_without_pictures_is_refused(
    dramatis: Run, example_portrait: Path, example_speech: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    result = dramatis("reenact", example_portrait, "--driver", example_speech, "--output", output)
    assert result.returncode == 2
    assert _complains(result, "no video stream")


def test_without_a_command_there_is_help(dramatis: Run) -> None:
    result = dramatis()
    assert result.returncode == 2
    assert "perform" in result.stderr
