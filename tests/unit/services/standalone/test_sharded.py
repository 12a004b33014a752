"""FantasyTalking started by itself and by torchrun, with tiny weights."""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch import Tensor

from services.generation.fantasytalking.layout import Folders
from services.kit.errors import BadInput
from services.standalone.sharded import command
from tests.servers.processes import free_port, last_words, spawn, wait
from tests.unit.services.generation.fantasytalking.folders import config, make_folders

ROOT = Path(__file__).parents[4]
PORTRAIT = ROOT / "examples" / "portrait.jpg"
# Two spans: the second goes on where the first ends.
SECONDS = 0.7


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return make_folders(tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    samples = np.random.default_rng(0).normal(0, 3000, round(SECONDS * 16_000)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return path


def _arguments(folders: Folders, speech: Path, output: Path, *more: str) -> list[str]:
    networks = [
        "--network",
        str(folders.network),
        "--wan",
        str(folders.wan),
        "--wav2vec2",
        str(folders.speech),
    ]
    files = [str(PORTRAIT), "--speech", str(speech), "--output", str(output)]
    return [*files, *networks, "--prompt", "a person speaks", "--device", "cpu", "--dtype", "float32", *more]


def _alone(folders: Folders, speech: Path, output: Path, *more: str) -> str:
    found = CliRunner().invoke(command, _arguments(folders, speech, output, *more), catch_exceptions=False)
    assert found.exit_code == 0
    return found.output


@pytest.fixture(scope="module")
def alone(folders: Folders, speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Tensor:
    """The latents that one process makes."""
    output = tmp_path_factory.mktemp("alone") / "latents.safetensors"
    _alone(folders, speech, output)
    return load_file(output)["latents"]


def test_two_processes_of_torchrun_make_the_latents_of_one(
    folders: Folders, speech: Path, alone: Tensor, tmp_path: Path
) -> None:
    output, log = tmp_path / "latents.safetensors", tmp_path / "log"
    torchrun = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())]
    process = spawn(
        [sys.executable, "-m", *torchrun, "-m", "services.standalone.sharded"]
        + _arguments(folders, speech, output),
        log,
        environment={
            "PYTHONPATH": f"{ROOT}:{ROOT / 'proto' / 'gen'}",
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
        },
    )
    wait(process, 600)

    assert process.returncode == 0, last_words(log)
    torch.testing.assert_close(load_file(output)["latents"], alone, atol=1e-5, rtol=0)


def test_a_film_has_a_picture_for_every_frame_of_the_latents_and_the_speech(
    folders: Folders, speech: Path, alone: Tensor, tmp_path: Path
) -> None:
    output = tmp_path / "film.mp4"

    said = _alone(folders, speech, output)

    clip = config().clip
    num_pictures = (alone.shape[2] - 1) * clip.frames_per_latent + 1
    with av.open(str(output)) as film:
        assert film.streams.video[0].average_rate == clip.frame_rate_hz
        assert sum(1 for _ in film.decode(video=0)) == num_pictures
    with av.open(str(output)) as film:
        heard = sum(frame.samples for frame in film.decode(audio=0)) / 16_000
    # AAC comes in frames of 64 ms, one of them ahead.
    assert heard == pytest.approx(num_pictures / clip.frame_rate_hz, abs=0.128)
    assert f"{num_pictures / clip.frame_rate_hz:.2f} s of video" in said


def test_motion_intensity_reaches_the_network(
    folders: Folders, speech: Path, alone: Tensor, tmp_path: Path
) -> None:
    output = tmp_path / "latents.safetensors"

    _alone(folders, speech, output, "--motion-intensity-face", "0.9")

    assert not torch.equal(load_file(output)["latents"], alone)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("--wan", "nowhere"), "nowhere/vae is not a folder"),
        (("--network", "examples"), "no FantasyTalking in examples"),
        (("--groups", "2"), "1 processes do not divide into 2 groups"),
        (("--memory", "sharded"), "weights are sharded over the processes of a sequence"),
        (("--output", "out.avi"), "expected '.mp4' or '.safetensors'"),
        (("--motion-intensity-body", "7"), "--motion-intensity-body is 7, expected 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    folders: Folders, speech: Path, tmp_path: Path, change: tuple[str, str], text: str
) -> None:
    arguments = _arguments(folders, speech, tmp_path / "out.mp4", *change)

    with pytest.raises(BadInput, match=text):
        command.main(arguments, standalone_mode=False)

    assert not [*tmp_path.iterdir()]
