from __future__ import annotations

import csv
import json
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Result = tuple[Path, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def answer(example_speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.1 s from the middle of the example speech."""
    path = tmp_path_factory.mktemp("answer") / "answer.wav"
    with wave.open(str(example_speech), "rb") as reader, wave.open(str(path), "wb") as writer:
        writer.setparams(reader.getparams())
        reader.setpos(4 * reader.getframerate())
        writer.writeframes(reader.readframes(round(1.1 * reader.getframerate())))
    return path


@pytest.fixture(scope="module")
def conversation(
    dramatis: Run,
    example_portrait: Path,
    short_speech: Path,
    answer: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Result:
    """The example portrait saying the short speech, and hearing the shorter answer."""
    folder = tmp_path_factory.mktemp("conversation")
    (folder / "timeline.json").write_text('[{"start_s": 0, "end_s": 1, "text": "smiles, flibbers"}]')
    return folder, dramatis(
        *("converse", example_portrait, "--speak", short_speech, "--listen", answer, "--size", "128"),
        *("--timeline", folder / "timeline.json", "--output", folder / "out.mp4"),
        *("--motion", folder / "out.csv"),
    )


def test_one_command_makes_the_video_and_tells_what_it_did_otherwise(conversation: Result) -> None:
    folder, result = conversation
    assert result.returncode == 0
    assert result.stdout.startswith(f"{folder / 'out.mp4'}: 1.92 s of video in ")
    assert result.stderr.splitlines() == [
        "dramatis: not understood and ignored: flibbers",
        "dramatis: listen lasts 1.10 s, 0.80 s less than speak: it counts as absent from 1.2 s on",
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["out.csv", "out.mp4", "timeline.json"]


def test_the_video_is_as_long_as_the_longer_track_and_carries_both(conversation: Result) -> None:
    with av.open(str(conversation[0] / "out.mp4")) as container:
        assert container.streams.video[0].frames == 48
        assert container.streams.audio[0].layout.name == "stereo"
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    half = sound.shape[1] // 2
    left, right = np.square(sound[:, :half]).sum(axis=1)
    assert 0.05 < left / right < 20
    assert not np.allclose(sound[0, :half], sound[1, :half])


def test_the_motion_has_a_line_for_every_picture(conversation: Result) -> None:
    with (conversation[0] / "out.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 48
    assert (lines[0]["Timecode"], lines[47]["Timecode"]) == ("00:00:00:00.000", "00:00:01:52.800")
    assert np.std([float(line["JawOpen"]) for line in lines]) > 0.01


def test_a_direction_changes_the_motion_that_is_written(
    dramatis: Run, example_portrait: Path, short_speech: Path, tmp_path: Path
) -> None:
    directed, plain = (
        _smile(dramatis, example_portrait, short_speech, tmp_path / name, options)
        for name, options in (("directed", ("--direction", "smile")), ("plain", ()))
    )
    assert directed > plain + 0.1


def _smile(dramatis: Run, portrait: Path, speech: Path, folder: Path, options: tuple[str, ...]) -> float:
    """How much the left corner of the mouth smiles in the second half, by the motion file."""
    folder.mkdir()
    motion = folder / "out.csv"
    dramatis(
        *("converse", portrait, "--speak", speech, *options, "--size", "64", "--quiet"),
        *("--output", folder / "out.mp4", "--motion", motion),
    ).check_returncode()
    with motion.open(newline="") as file:
        smiles = [float(line["MouthSmileLeft"]) for line in csv.DictReader(file)]
    return float(np.mean(smiles[len(smiles) // 2 :]))


def test_one_may_listen_without_saying_anything(
    dramatis: Run, example_portrait: Path, answer: Path, tmp_path: Path
) -> None:
    output, motion = tmp_path / "out.mp4", tmp_path / "out.json"
    options = ("--listen", answer, "--output", output, "--motion", motion, "--size", "64", "--quiet")
    result = dramatis("converse", example_portrait, *options)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    with av.open(str(output)) as container:
        assert (container.streams.video[0].frames, len(container.streams.audio)) == (28, 1)
    assert len(json.loads(motion.read_text())["frames"]) == 28


@pytest.fixture(scope="module")
def useless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tracks that nobody can speak or listen to."""
    folder = tmp_path_factory.mktemp("useless")
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("this is not sound")
    (folder / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(100_000))
    for name, num_samples in (("short.wav", 300), ("silent.wav", 16_000)):
        with wave.open(str(folder / name), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(bytes(2 * num_samples))
    return folder


@pytest.mark.parametrize(
    ("speak", "listen", "about"),
    [
        (None, None, "neither --speak nor --listen"),
        ("missing.wav", None, "speak {}/missing.wav does not exist"),
        (None, "missing.wav", "listen {}/missing.wav does not exist"),
        ("silent.wav", "empty.wav", "listen {}/empty.wav is empty"),
        ("text.wav", "silent.wav", "speak {}/text.wav is not a sound or video file"),
        ("silent.wav", "noise.mp3", "listen {}/noise.mp3"),
        ("short.wav", None, "speak {}/short.wav lasts 0.019 s, expected at least one frame"),
        (None, "silent.wav", "--listen {}/silent.wav: nothing is heard"),
        ("silent.wav", "silent.wav", "--speak {0}/silent.wav and --listen {0}/silent.wav: nothing is heard"),
    ],
)
def test_an_unusable_track_is_one_line_and_exit_2(
    speak: str | None,
    listen: str | None,
    about: str,
    useless: Path,
    dramatis: Run,
    example_portrait: Path,
    tmp_path: Path,
) -> None:
    tracks = [
        argument
        for option, name in (("--speak", speak), ("--listen", listen))
        if name is not None
        for argument in (option, useless / name)
    ]
    result = dramatis("converse", example_portrait, *tracks, "--output", tmp_path / "out.mp4")
    [line] = result.stderr.splitlines()
    assert result.returncode == 2
    assert line.startswith("dramatis: error: ")
    assert about.format(useless) in line
    assert not list(tmp_path.iterdir())
