from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Begin = Callable[..., "subprocess.Popen[str]"]


def _frames(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with av.open(str(path)) as container:
        return np.stack(
            [np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in container.decode(video=0)]
        )


def test_one_command_makes_the_video_and_says_so_in_one_line(
    performance: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    output, result = performance
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{output}: 1.92 s of video in ")
    assert [path.name for path in output.parent.iterdir()] == ["out.mp4"]


def test_the_video_is_as_long_as_the_speech(
    performance: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    with av.open(str(performance[0])) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.width, video.codec_context.height) == (512, 512)
        assert video.average_rate == 25
        assert (video.frames, audio.codec.name) == (48, "aac")


def test_the_face_moves_and_the_background_does_not(
    performance: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    change = _frames(performance[0]).astype(np.int16).std(axis=0).mean(axis=-1)
    assert change.max() > 10
    assert np.median(change[:40, :40]) < 2


def test_the_speech_is_heard_in_time(
    performance: tuple[Path, subprocess.CompletedProcess[str]], short_speech: Path
) -> None:
    heard, said = _sound(performance[0]), _sound(short_speech)
    length = min(len(heard), len(said))
    product = np.fft.irfft(np.fft.rfft(heard[:length]) * np.conj(np.fft.rfft(said[:length])))
    assert int(product.argmax()) == 0


def test_a_seed_repeats_its_video_and_another_gives_another_take(
    performance: tuple[Path, subprocess.CompletedProcess[str]],
    dramatis: Run,
    example_portrait: Path,
    short_speech: Path,
    tmp_path: Path,
) -> None:
    for seed in ("0", "1"):
        output = tmp_path / f"{seed}.mp4"
        dramatis("perform", example_portrait, "--speech", short_speech, "--output", output, "--seed", seed)
    assert (tmp_path / "0.mp4").read_bytes() == performance[0].read_bytes()
    assert (tmp_path / "1.mp4").read_bytes() != performance[0].read_bytes()


def test_of_two_faces_the_largest_is_used_and_said(
    dramatis: Run, example_portrait: Path, short_speech: Path, tmp_path: Path
) -> None:
    portrait = Image.open(example_portrait).convert("RGB")
    width, height = portrait.size
    pair = Image.new("RGB", (width + width // 2, height), (200, 200, 200))
    pair.paste(portrait.resize((width // 2, height // 2)), (0, height // 4))
    pair.paste(portrait, (width // 2, 0))
    pair.save(tmp_path / "pair.png")
    common = ("perform", tmp_path / "pair.png", "--speech", short_speech, "--size", "128")
    largest = dramatis(*common, "--output", tmp_path / "largest.mp4")
    second = dramatis(*common, "--output", tmp_path / "second.mp4", "--face", "2", "--quiet")
    assert largest.returncode == 0
    assert "2 faces, the largest is used" in largest.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert (tmp_path / "largest.mp4").read_bytes() != (tmp_path / "second.mp4").read_bytes()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_performance_leaves_nothing(
    ending: signal.Signals, begin_dramatis: Begin, example_portrait: Path, long_speech: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    process = begin_dramatis("perform", example_portrait, "--speech", long_speech, "--output", output)
    _wait_for(lambda: any(tmp_path.glob(".dramatis-*/blobs/*/*/*/*/clips/*")), process)
    process.send_signal(ending)
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 130
    assert stderr.strip() == "dramatis: error: interrupted"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(
    example_portrait: Path, short_speech: Path, tmp_path: Path
) -> None:
    command = (sys.executable, "-m", "services.standalone.main", "perform", str(example_portrait))
    result = subprocess.run(
        (*command, "--speech", short_speech, "--output", tmp_path / "out.mp4", "--size", "128"),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    assert result.returncode == 1
    assert result.stderr.startswith("dramatis: error: output")
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    give_up_s = time.monotonic() + 600
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < give_up_s
        time.sleep(0.05)


def _sound(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono")
        frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
        return np.concatenate([np.asarray(frame.to_ndarray()[0], np.float32) for frame in frames])
